# SPDX-License-Identifier: Apache-2.0
"""Rates that a peer must keep to: token buckets, without clocks."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

BURST_S: Final = 4.0
"""Seconds' worth of what is allowed that may come at once."""
_REMEMBERED_PEERS: Final = 4_096


@dataclass(slots=True)
class TokenBucket:
    """Allows ``rate`` events a second, and `BURST_S` times as many at once.

    Attributes:
        rate: Events a second.
        filled_at: When ``tokens`` was true, monotonic seconds.
        tokens: Events allowed at once.
    """

    rate: float
    filled_at: float
    tokens: float = -1.0

    def __post_init__(self) -> None:
        if self.tokens < 0:
            self.tokens = self.rate * BURST_S

    def take(self, now: float) -> bool:
        """Counts an event; returns whether it is allowed."""
        self.tokens = min(self.rate * BURST_S, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class PeerRates:
    """A bucket for each peer; the longest unheard of are forgotten.

    Args:
        rate: Events a second and peer.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, peer: str, now: float) -> bool:
        """Counts an event of a peer; returns whether it is allowed."""
        bucket = self._buckets.get(peer)
        if bucket is None:
            bucket = self._buckets[peer] = TokenBucket(self.rate, now)
            while len(self._buckets) > _REMEMBERED_PEERS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(peer)
        return bucket.take(now)
