# SPDX-License-Identifier: Apache-2.0
"""When a client that has lost its connection tries again, and when it gives up. Without clocks."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.1
LONGEST_S: Final = 5.0


class Backoff:
    """Attempts at growing distances: at once, then after 0.1 s, 0.2 s, ... up to 5 s, each spread by half.

    Spread, so that the clients of a server that comes back do not all knock in the same moment.

    Args:
        patience_s: Seconds from the loss until no further attempt is made.
        chance: Gives a number from 0 to 1.
    """

    def __init__(self, patience_s: float, chance: Callable[[], float] = random.random) -> None:
        self._patience_s = patience_s
        self._chance = chance
        self._failures = 0
        self._give_up_at: float | None = None
        self._next_at = 0.0
        self._restored_at = -LONGEST_S
        self.attempting = False

    def lost(self, now: float) -> None:
        """The connection is lost."""
        self._give_up_at = now + self._patience_s
        if now - self._restored_at < LONGEST_S:
            # Hardly there and lost again: otherwise the two would go round as fast as they can.
            self.failed(now)
            return
        self._failures = 0
        self._next_at = now
        self.attempting = False

    def failed(self, now: float) -> None:
        """An attempt came to nothing."""
        longest = min(LONGEST_S, FIRST_S * 2.0**self._failures)
        self._failures = min(self._failures + 1, 32)
        self._next_at = now + longest * (0.5 + 0.5 * self._chance())
        self.attempting = False

    def restored(self, now: float) -> None:
        """The connection stands again."""
        self._give_up_at = None
        self._restored_at = now
        self.attempting = False

    def due(self, now: float) -> bool:
        """Whether an attempt is to be made now."""
        return not self.attempting and now >= self._next_at

    def over(self, now: float) -> bool:
        """Whether it is time to give up."""
        return self._give_up_at is not None and now >= self._give_up_at

    def next_event(self) -> float:
        """When :meth:`due` or :meth:`over` may change."""
        give_up = self._next_at if self._give_up_at is None else self._give_up_at
        return give_up if self.attempting else min(self._next_at, give_up)
