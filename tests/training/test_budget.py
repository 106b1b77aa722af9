# SPDX-License-Identifier: Apache-2.0
"""Schedules by the clock."""

import pytest
from shotstream_training.budget import Budget, Every, warmup_linear


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_fraction_counts_from_the_first_step_to_the_reserve() -> None:
    clock = Clock()
    budget = Budget(2.0, 20.0, clock)
    clock.now += 50.0
    budget.start_training()
    assert budget.fraction == 0.0
    clock.now += 25.0
    assert budget.fraction == pytest.approx(0.5)
    assert budget.training
    clock.now += 25.0
    assert not budget.training
    assert budget.fraction == 1.0
    assert budget.remaining == pytest.approx(20.0)


def test_reserve_must_fit() -> None:
    with pytest.raises(ValueError, match="give more minutes"):
        Budget(0.1, 10.0)


def test_rates() -> None:
    assert warmup_linear(0.4, hold=0.5) == 1.0
    assert warmup_linear(0.75, hold=0.5) == pytest.approx(0.5)
    assert warmup_linear(1.0, hold=0.5, floor=0.2) == pytest.approx(0.2)


def test_every_fires_once_per_interval() -> None:
    clock = Clock()
    due = Every(10.0, clock)
    assert not due()
    clock.now += 10.0
    assert due()
    assert not due()
