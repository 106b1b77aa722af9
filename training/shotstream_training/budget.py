# SPDX-License-Identifier: Apache-2.0
"""Training by the clock: a stage gets minutes, not steps."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """A wall-clock budget with a reserve for the work after the last step.

    Args:
        minutes: Everything together: data, compilation, training, final samples.
        reserve_s: Seconds kept for the end.
        clock: Seconds, monotonic; a test passes its own.

    Raises:
        ValueError: If the reserve does not fit into the budget.
    """

    def __init__(self, minutes: float, reserve_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        if minutes * 60.0 <= reserve_s:
            raise ValueError(
                f"minutes={minutes} must exceed the reserve of {reserve_s:.0f} s; give more minutes"
            )
        self._clock = clock
        self._begin = clock()
        self._train_begin = self._begin
        self._train_end = self._begin + minutes * 60.0 - reserve_s
        self.end = self._begin + minutes * 60.0

    def start_training(self) -> None:
        """Marks the first step: the schedules below count from here, not from the set-up before it."""
        self._train_begin = self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the stage began."""
        return self._clock() - self._begin

    @property
    def remaining(self) -> float:
        """Seconds left until the end of the whole budget, the reserve included."""
        return self.end - self._clock()

    @property
    def fraction(self) -> float:
        """Part of the training time that has passed, 0..1."""
        span = max(self._train_end - self._train_begin, 1e-9)
        return min(max((self._clock() - self._train_begin) / span, 0.0), 1.0)

    @property
    def training(self) -> bool:
        """Whether there is time for another step."""
        return self._clock() < self._train_end


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
