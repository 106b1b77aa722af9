# SPDX-License-Identifier: Apache-2.0
"""Learning rates over a budget, and what is done every so many seconds."""

from __future__ import annotations

import time
from collections.abc import Callable


def warmup_linear(fraction: float, *, warmup: float = 0.03, hold: float = 0.5, floor: float = 0.0) -> float:
    """Learning-rate factor by time fraction: linear up, constant until ``hold``, linear down to ``floor``."""
    if fraction < warmup:
        return max(fraction / warmup, 1e-3)
    if fraction < hold:
        return 1.0
    return 1.0 - (1.0 - floor) * (fraction - hold) / (1.0 - hold)


class Every:
    """True at most once per interval of seconds: for samples, checkpoints and log lines."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._due = clock() + seconds

    def __call__(self) -> bool:
        now = self._clock()
        if now < self._due:
            return False
        self._due = now + self._seconds
        return True
