# SPDX-License-Identifier: Apache-2.0
"""Frames a second over the last seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 5.0


class FrameRate:
    """Counts frames as they are made. One thread at a time.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: deque[tuple[float, int]] = deque()

    def add(self, frames: int) -> None:
        """So many frames were made just now."""
        self._made.append((self._clock(), frames))
        self._forget()

    def per_second(self) -> float:
        """Frames a second over the last `WINDOW_S`, or since the first of them if that is shorter ago."""
        self._forget()
        if len(self._made) < 2:
            return 0.0
        # The first of them were made before the time that is counted.
        frames = sum(frames for _, frames in self._made) - self._made[0][1]
        return frames / max(self._clock() - self._made[0][0], 1e-3)

    def _forget(self) -> None:
        oldest = self._clock() - WINDOW_S
        while self._made and self._made[0][0] < oldest:
            self._made.popleft()
