# SPDX-License-Identifier: Apache-2.0
"""Live progress of a story: a table on a terminal, one line per finished beat elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# Frames over which the speed is measured: long enough to bridge the pause between two chunks.
_SPEED_WINDOW = 36
_MOST_ROWS = 12
_REFRESH_PER_S = 8
_STATE_STYLES = {
    "sent": "dim",
    "scheduled": "yellow",
    "running": "bold cyan",
    "completed": "green",
    "interrupted": "yellow",
    "superseded": "dim",
    "cancelled": "dim",
    "failed": "bold red",
    "rejected": "bold red",
}


@dataclass
class _Row:
    text: str
    sent_s: float
    state: str = "sent"
    shot: int | None = None
    chunk: int | None = None
    frames: int = 0
    latency_s: float | None = None
    done: bool = False


class ProgressBoard:
    """Follows a story as a `StoryObserver` and shows shot, chunk, speed, and latency of every beat."""

    def __init__(
        self, console: Console, title: str, *, fps: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Makes a board; it shows while it is entered as a context.

        Args:
            console: Where to draw.
            title: Heading.
            fps: Frames per second of the movie, against which the speed is read.
            clock: Seconds, monotonic.
        """
        self._console = console
        self._title = title
        self._fps = fps
        self._clock = clock
        self._rows: dict[str, _Row] = {}
        self._notices: dict[str, None] = {}
        self._arrivals: deque[float] = deque(maxlen=_SPEED_WINDOW)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._draw, console=self._console, refresh_per_second=_REFRESH_PER_S
            )
            self._live.__enter__()
        else:
            self._console.print(escape(self._title))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, traceback)
            self._live = None

    def beat_submitted(self, beat_id: str, text: str, mode: str, policy: str) -> None:
        """See `StoryObserver.beat_submitted`."""
        del policy
        arrow = "+ " if mode == "continue" else ""
        self._rows[beat_id] = _Row(text=arrow + " ".join(text.split()), sent_s=self._clock())

    def beat_scheduled(self, beat_id: str, shot: int, first_frame: int) -> None:
        """See `StoryObserver.beat_scheduled`."""
        del first_frame
        if row := self._rows.get(beat_id):
            row.state, row.shot = "scheduled", shot

    def add_frame(
        self,
        pixels: NDArray[np.uint8],
        *,
        index: int,
        shot: int,
        index_in_shot: int,
        chunk: int,
        beat_id: str,
    ) -> None:
        """See `StoryObserver.add_frame`."""
        del pixels, index, index_in_shot
        now = self._clock()
        self._arrivals.append(now)
        if (row := self._rows.get(beat_id)) is None:
            return
        if row.latency_s is None:
            row.latency_s = now - row.sent_s
        row.shot, row.chunk = shot, chunk
        row.frames += 1
        # News overtake frames, which wait for credits: a beat may be done before its last frame is here.
        if not row.done:
            row.state = "running"

    def beat_done(self, beat_id: str, outcome: str, frames: int, reason: str | None = None) -> None:
        """See `StoryObserver.beat_done`."""
        if (row := self._rows.get(beat_id)) is None:
            return
        row.state, row.done = outcome, True
        if reason:
            self._notices[f"{outcome}: {reason}"] = None
        if self._live is None:
            self._console.print(escape(self._line(row, frames)), soft_wrap=True)

    def notice(self, code: str, text: str, beat_id: str | None = None) -> None:
        """See `StoryObserver.notice`."""
        del code, beat_id
        if text in self._notices:
            return
        self._notices[text] = None
        if self._live is None:
            self._console.print(f"note: {escape(text)}", soft_wrap=True)

    def speed(self) -> float | None:
        """Frames per second lately; None before there is anything to measure."""
        if len(self._arrivals) < 2:
            return None
        elapsed = self._arrivals[-1] - self._arrivals[0]
        return (len(self._arrivals) - 1) / elapsed if elapsed > 0 else None

    def _line(self, row: _Row, frames: int) -> str:
        shot = "-" if row.shot is None else str(row.shot + 1)
        return (
            f"shot {shot}: {row.state}, {frames} frames, first after {_milliseconds(row.latency_s)}, "
            f"{_rate(self.speed())}: {row.text}"
        )

    def _draw(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("shot", justify="right")
        table.add_column("chunk", justify="right")
        table.add_column("frames", justify="right")
        table.add_column("first frame", justify="right")
        table.add_column("state")
        table.add_column("beat", overflow="ellipsis", no_wrap=True)
        rows = list(self._rows.values())
        if len(rows) > _MOST_ROWS:
            table.add_row("", "", "", "", "", Text(f"... {len(rows) - _MOST_ROWS} earlier", "dim"))
        for row in rows[-_MOST_ROWS:]:
            table.add_row(
                "" if row.shot is None else str(row.shot + 1),
                "" if row.chunk is None else str(row.chunk + 1),
                str(row.frames) if row.frames else "",
                _milliseconds(row.latency_s) if row.latency_s is not None else "",
                Text(row.state, _STATE_STYLES.get(row.state, "")),
                Text(row.text),
            )
        total = sum(row.frames for row in rows)
        foot = Text(f"{_rate(self.speed())}   {total} frames, {total / self._fps:.1f} s of movie", "bold")
        notes = [Text(f"note: {text}", "yellow") for text in list(self._notices)[-4:]]
        return Group(Text(self._title, "bold"), table, foot, *notes)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def _rate(speed: float | None) -> str:
    return "- fps" if speed is None else f"{speed:.1f} fps"
