# SPDX-License-Identifier: Apache-2.0
"""The sigma table, the few-step times and the nearest-entry look-up against the recorded ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from shotstream_runtime.model import FlowSchedule


@pytest.fixture
def recorded(golden_json: Any) -> dict[str, Any]:
    return golden_json("schedule")


@pytest.fixture
def schedule(recorded: dict[str, Any]) -> FlowSchedule:
    return FlowSchedule(recorded["shift"], tuple(recorded["config_steps"]))


@pytest.mark.golden
def test_table_and_steps_equal_the_recorded_ones(schedule: FlowSchedule, recorded: dict[str, Any]) -> None:
    assert schedule.sigmas.tolist() == pytest.approx(recorded["table_sigmas"], rel=1e-6)
    assert schedule.times.tolist() == pytest.approx(recorded["table_timesteps"], rel=1e-6)
    assert schedule.steps == pytest.approx(recorded["warped_timesteps"], rel=1e-6)
    sigmas = [schedule.sigma(time) for time in schedule.steps]
    assert sigmas == pytest.approx(recorded["sigmas_for_warped"], rel=1e-6)


@pytest.mark.golden
def test_nearest_look_up(schedule: FlowSchedule, recorded: dict[str, Any]) -> None:
    for case in recorded["lookup_nearest"]:
        assert schedule.nearest(case["timestep"]) == case["index"], case
        assert schedule.sigma(case["timestep"]) == pytest.approx(case["sigma"], rel=1e-6)


def test_clean_undoes_renoise() -> None:
    schedule = FlowSchedule(8.0, (1000, 500))
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 3, 4, 2, 2, generator=generator)
    sigma = schedule.sigma(schedule.steps[1])
    noisy = schedule.renoise(clean, noise, sigma)
    assert torch.allclose(schedule.clean(noisy, noise - clean, sigma), clean, atol=1e-6)
