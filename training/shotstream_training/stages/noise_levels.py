# SPDX-License-Identifier: Apache-2.0
"""Which times a stage trains at, and how much each counts."""

from __future__ import annotations

import torch
from shotstream_runtime.model import FlowSchedule
from torch import Tensor

BELL_CENTRE = 500.0
BELL_WIDTH = 1000.0
"""The published weighting is ``exp(-2 ((t - centre) / width)^2)`` before it is shifted and scaled."""


def shifted(uniform: Tensor, shift: float) -> Tensor:
    """Sigmas of positions ``uniform`` in 0..1: ``shift u / (1 + (shift - 1) u)``."""
    return shift * uniform / (1 + (shift - 1) * uniform)


def bell_weights(schedule: FlowSchedule) -> Tensor:
    """Weight of every table entry ``[1000]``: a bell over the times, minimum 0, mean 1 (published S1)."""
    times = schedule.times.double()
    bell = torch.exp(-2 * ((times - BELL_CENTRE) / BELL_WIDTH) ** 2)
    bell = bell - bell.min()
    return (bell / bell.mean()).float()


def table_rows(uniform: Tensor, schedule: FlowSchedule) -> Tensor:
    """Table entries, all equally likely, for uniform numbers in [0, 1)."""
    return (uniform * len(schedule.sigmas)).long().clamp_max(len(schedule.sigmas) - 1)


def stratified_sigmas(uniform: Tensor, strata: Tensor, count: int, shift: float) -> Tensor:
    """Sigmas between the table's entries, one stratum of positions per sample of a step: the same uniform
    times with less variance.

    Args:
        uniform: ``[b]`` in [0, 1).
        strata: Number of each sample within its step ``[b]``.
        count: Samples of a step.
        shift: Shift of the sigma table.
    """
    return shifted(1.0 - (strata + uniform) / count, shift)


def trajectory_times(steps: int, shift: float) -> Tensor:
    """Times ``[steps + 1]`` of an Euler sampler: evenly spaced positions, shifted; the last is 0."""
    return 1000.0 * shifted(torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64), shift).float()
