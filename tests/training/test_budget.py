# SPDX-License-Identifier: Apache-2.0
"""Rates over a budget, and intervals."""

import pytest
from shotstream_training.budget import Every, warmup_linear


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


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
