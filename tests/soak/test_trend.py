# SPDX-License-Identifier: Apache-2.0
"""What the soak calls level, and what it calls a leak."""

from __future__ import annotations

import numpy as np
import pytest
from trend import MOST_POINTS, measure

MINUTES = 30
TIMES = np.arange(0, 60 * MINUTES, 5.0)


def restless(seed: int) -> np.ndarray:
    """600 MiB with noise, and with a peak of 200 MiB in every tenth sample."""
    chance = np.random.default_rng(seed)
    return 600 + chance.normal(0, 15, len(TIMES)) + np.where(chance.random(len(TIMES)) < 0.1, 200, 0)


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_peaks_are_level(seed: int) -> None:
    trend = measure(TIMES, restless(seed))
    assert abs(trend.growth) < 10
    assert trend.level == pytest.approx(600, abs=10)


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_under_the_noise_is_seen(seed: int) -> None:
    leak = 1.0 / 60  # MiB a second, which is one a minute
    assert measure(TIMES, restless(seed) + leak * TIMES).growth == pytest.approx(MINUTES, abs=10)


def test_a_descriptor_now_and_then_is_seen() -> None:
    assert measure(TIMES, 40 + TIMES // 300).growth == pytest.approx(6, abs=1)


def test_a_step_in_the_middle_of_a_level_series_is_growth() -> None:
    halves = np.repeat([600.0, 700.0], len(TIMES) // 2)
    assert measure(TIMES, halves).growth > 50


def test_a_long_series_is_thinned() -> None:
    times = np.arange(10 * MOST_POINTS + 7, dtype=float)
    assert measure(times, 3 + 0.5 * times).growth == pytest.approx(0.5 * times[-1], rel=0.01)


@pytest.mark.parametrize(("times", "values"), [([0, 1], [1, 1]), ([0, 1, 2], [1, 1])])
def test_too_little_is_refused(times: list[float], values: list[float]) -> None:
    with pytest.raises(ValueError, match="times and"):
        measure(times, values)
