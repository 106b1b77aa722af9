# SPDX-License-Identifier: Apache-2.0
"""When a client tries again, and when it gives up."""

from __future__ import annotations

import pytest
from shotstream_bridge.backoff import LONGEST_S, Backoff


def distances(backoff: Backoff, now: float, count: int) -> list[float]:
    """Seconds between attempts that all fail at once."""
    found = []
    for _ in range(count):
        backoff.attempting = True
        backoff.failed(now)
        found.append(backoff.next_event() - now)
        now = backoff.next_event()
        assert backoff.due(now)
    return found


def test_the_first_attempt_is_made_at_once_and_the_others_at_growing_distances() -> None:
    backoff = Backoff(1e9, chance=lambda: 1.0)
    backoff.lost(100.0)
    assert backoff.due(100.0)
    assert distances(backoff, 100.0, 8) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_distances_are_spread_by_half(chance: float) -> None:
    backoff = Backoff(1e9, chance=lambda: chance)
    backoff.lost(0.0)
    assert distances(backoff, 0.0, 1) == pytest.approx([0.05 + 0.05 * chance])


def test_nothing_is_due_while_an_attempt_is_made() -> None:
    backoff = Backoff(10.0)
    backoff.lost(0.0)
    backoff.attempting = True
    assert not backoff.due(5.0)
    assert backoff.next_event() == 10.0


def test_it_is_over_when_patience_is_and_not_when_the_connection_came_back() -> None:
    backoff = Backoff(10.0)
    backoff.lost(0.0)
    assert not backoff.over(9.9)
    assert backoff.over(10.0)
    backoff.restored(9.95)
    assert not backoff.over(1e6)


def test_a_connection_lost_again_at_once_is_not_tried_at_once() -> None:
    backoff = Backoff(1e9, chance=lambda: 1.0)
    backoff.lost(0.0)
    backoff.restored(0.1)
    backoff.lost(0.2)
    assert not backoff.due(0.2)
    assert backoff.due(0.31)
    backoff.restored(1.0)
    backoff.lost(1.0 + LONGEST_S)
    assert backoff.due(1.0 + LONGEST_S)
