# SPDX-License-Identifier: Apache-2.0
"""Timing the stages of generation."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from shotstream_runtime.streaming import stage_times
from shotstream_runtime.streaming.stage_times import Stage, StageTimes


def test_a_stage_is_told_with_its_time_and_one_that_fails_is_not() -> None:
    told: list[tuple[Stage, float]] = []
    times = StageTimes(torch.device("cpu"), lambda stage, seconds: told.append((stage, seconds)))
    with times.measure(Stage.DECODE):
        time.sleep(0.02)
    with pytest.raises(ValueError, match="broken"), times.measure(Stage.DENOISE):
        raise ValueError("broken")
    ((stage, seconds),) = told
    assert stage is Stage.DECODE
    assert 0.02 <= seconds < 5
    assert times.why_stalled() is None


def test_a_stage_that_does_not_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_times, "STALLED_S", 0.05)
    times = StageTimes(torch.device("cpu"), lambda stage, seconds: None)
    begun, end = threading.Event(), threading.Event()

    def hang() -> None:
        with times.measure(Stage.DENOISE):
            begun.set()
            assert end.wait(30)

    thread = threading.Thread(target=hang)
    thread.start()
    assert begun.wait(30)
    time.sleep(0.1)
    # Another thread's stage that comes and goes does not hide it.
    with times.measure(Stage.CAPTION):
        pass
    stalled = times.why_stalled()
    end.set()
    thread.join(30)
    assert stalled is not None
    assert stalled.startswith("generation has been stuck for")
    assert times.why_stalled() is None


@pytest.mark.gpu
def test_on_a_gpu_the_time_is_that_of_its_work() -> None:
    told: list[tuple[Stage, float]] = []
    times = StageTimes(torch.device("cuda"), lambda stage, seconds: told.append((stage, seconds)))
    matrix = torch.randn(4096, 4096, device="cuda")
    for _ in range(2):
        begun = time.monotonic()
        with times.measure(Stage.DENOISE):
            for _ in range(50):
                matrix = torch.nn.functional.normalize(matrix @ matrix)
        torch.cuda.synchronize()
        whole = time.monotonic() - begun
    with times.measure(Stage.DECODE):
        pass
    stages = [seconds for stage, seconds in told if stage is Stage.DENOISE]
    assert len(stages) == 2
    assert 0.5 * whole < stages[1] <= 1.2 * whole
