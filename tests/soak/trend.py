# SPDX-License-Identifier: Apache-2.0
"""Whether a series of samples stays level: a slope that single peaks do not move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_POINTS = 600
"""Pairs grow with the square; beyond this the series is thinned by means of neighbours."""


@dataclass(frozen=True)
class Trend:
    """How a series moves.

    Attributes:
        level: Its median.
        growth: Slope times duration: how much it has risen from first to last, single peaks apart.
    """

    level: float
    growth: float


def measure(times: Sequence[float], values: Sequence[float]) -> Trend:
    """Fits a line by Theil and Sen: the median of the slopes between all pairs of samples.

    Up to 29 % of the samples may be anything without moving it far (Sen 1968, J. Am. Stat. Assoc. 63).

    Args:
        times: Seconds, rising.
        values: One for each of them, in any unit.

    Raises:
        ValueError: There are fewer than three samples, or not as many values as times.
    """
    t, v = _thinned(np.asarray(times, float), np.asarray(values, float))
    first, second = np.triu_indices(len(t), 1)
    slope = np.median((v[second] - v[first]) / (t[second] - t[first]))
    return Trend(level=float(np.median(v)), growth=float(slope * (t[-1] - t[0])))


def _thinned(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(times) != len(values) or len(times) < 3:
        raise ValueError(f"{len(times)} times and {len(values)} values; as many of both, and three at least")
    each = -(-len(times) // MOST_POINTS)
    whole = len(times) // each * each
    return times[:whole].reshape(-1, each).mean(1), values[:whole].reshape(-1, each).mean(1)
