# SPDX-License-Identifier: Apache-2.0
"""A server's status as a table, for `shotstream top`."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from shotstream_bridge.messages import ServerStateName, Status, StoryActivity

_STATE_STYLES = {
    ServerStateName.LOADING: "yellow",
    ServerStateName.READY: "green",
    ServerStateName.STOPPING: "red",
}
_ACTIVITIES = {
    StoryActivity.PREPARING: "preparing",
    StoryActivity.IDLE: "[dim]no beat[/]",
    StoryActivity.RUNNING: "[green]running[/]",
    StoryActivity.WAITING_FOR_WATCHERS: "[yellow]waits for watchers[/]",
    StoryActivity.WAITING_FOR_DISK: "[yellow]waits for the disk[/]",
    StoryActivity.ENDING: "ending",
}
_COLUMNS = ("shot", "chunk", "frames", "fps", "beats", "watchers", "lag", "disk")


def status_table(address: str, status: Status) -> RenderableType:
    """A line on the server and one row for each story; shots and chunks are counted from 1."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    # Where there is no room for all, names are cut and numbers stay.
    for name in ("story", "client"):
        table.add_column(name, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for story in status.stories:
        table.add_row(
            escape(story.story_id),
            escape(story.client_id),
            _ACTIVITIES[story.activity],
            _from_one(story.shot),
            _from_one(story.chunk),
            str(story.frames),
            f"{story.frames_per_s:.1f}",
            str(story.beats_waiting),
            str(story.watchers),
            str(story.lag_frames),
            "-" if story.journal_chunks is None else str(story.journal_chunks),
        )
    below = "" if status.stories else "no story is open"
    if not status.all_seen:
        hidden = status.open_stories - len(status.stories)
        below = f"{hidden} more that this client may not see: its key is no operator's"
    return Group(_header(address, status), table, Text(below, style="dim"))


def _header(address: str, status: Status) -> Text:
    style = _STATE_STYLES[status.state]
    text = Text.from_markup(f"[bold]{escape(address)}[/] [{style}]{status.state.value}[/]", overflow="fold")
    if status.detail:
        text.append(f" ({status.detail})", style=style)
    parts = [
        f"up {timedelta(seconds=int(status.uptime_s))}",
        f"{status.frames_per_s:.1f} frames/s",
        *([] if status.memory_bytes is None else [f"memory {status.memory_bytes / 1e6:.0f} MB"]),
        *([] if status.gpu_bytes is None else [f"GPU {status.gpu_bytes / 1e6:.0f} MB"]),
        f"clients {status.clients}",
        f"watchers {status.watchers}",
        f"stories {status.open_stories}",
    ]
    text.append("  " + "  ".join(parts))
    return text


def _from_one(index: int | None) -> str:
    return "-" if index is None else str(index + 1)
