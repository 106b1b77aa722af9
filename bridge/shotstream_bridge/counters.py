# SPDX-License-Identifier: Apache-2.0
"""What an endpoint counts, for a host that publishes metrics: plain numbers, cheap enough for every frame."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.fields import WatchMode

SEND_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds for the time from a frame's generation to its sending, seconds."""


class Histogram:
    """Counts values by ranges. One thread writes; others may read at any time.

    Args:
        bounds: Upper bounds, ascending; what is larger than the last is counted too.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Counts a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def sum(self) -> float:
        """The sum of all values."""
        return self._sum

    def cumulative(self) -> list[tuple[float, int]]:
        """Each bound, at last infinity, with how many values were at most that."""
        counted, pairs = 0, []
        for bound, count in zip((*self._bounds, float("inf")), list(self._counts), strict=True):
            counted += count
            pairs.append((bound, counted))
        return pairs


def _by_code() -> dict[str, int]:
    return {code.value: 0 for code in ErrorCode}


def _by_mode() -> dict[str, int]:
    return {mode.value: 0 for mode in WatchMode}


@dataclass(slots=True, eq=False)
class EndpointCounters:
    """Counts since the endpoint was made. Its thread writes; others may read at any time.

    No key is ever added, so that what reads them meets a fixed set.

    Attributes:
        frames_sent: Frames handed to the socket or to shared memory, by the watcher's mode.
        bytes_sent: Bytes of their pixels, ``connection`` or ``memory``.
        frames_skipped: Frames that ``latest`` watchers did not get because newer ones were there.
        send_s: From a frame's generation to its sending, once for each watcher that gets it.
        connects: Clients welcomed.
        reconnects: Those of them that came back after a lost connection.
        resumes: Stories taken up again (``resume_story`` granted).
        refusals: Messages, requests and handshakes refused, by code.
        keys_refused: Connections refused because their key is not on the list.
        rates_refused: Connections refused because their address makes too many.
        turned_at: When the thread last went round, monotonic seconds.
    """

    frames_sent: dict[str, int] = field(default_factory=_by_mode)
    bytes_sent: dict[str, int] = field(default_factory=lambda: {"connection": 0, "memory": 0})
    frames_skipped: int = 0
    send_s: Histogram = field(default_factory=lambda: Histogram(SEND_BUCKETS_S))
    connects: int = 0
    reconnects: int = 0
    resumes: int = 0
    refusals: dict[str, int] = field(default_factory=_by_code)
    keys_refused: int = 0
    rates_refused: int = 0
    turned_at: float = field(default_factory=time.monotonic)

    def frame_sent(self, mode: WatchMode, size: int, *, memory: bool, skipped: int, age_s: float) -> None:
        """A frame left for a watcher."""
        self.frames_sent[mode.value] += 1
        self.bytes_sent["memory" if memory else "connection"] += size
        self.frames_skipped += skipped
        self.send_s.observe(age_s)

    def refused(self, code: ErrorCode) -> None:
        """Something was refused."""
        self.refusals[code.value] += 1
