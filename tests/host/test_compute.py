# SPDX-License-Identifier: Apache-2.0
"""Thread and device settings."""

from __future__ import annotations

import threading

import pytest
import torch
from shotstream_runtime.host import compute


@pytest.mark.parametrize(
    ("cores", "environment", "expected"),
    [(1, "", 1), (2, "", 1), (4, "", 2), (64, "", 4), (64, "6", 6), (8, "none", 4), (8, "0", 4)],
)
def test_default_threads(
    monkeypatch: pytest.MonkeyPatch, cores: int, environment: str, expected: int
) -> None:
    monkeypatch.setattr(compute, "usable_cores", lambda: cores)
    monkeypatch.setenv("OMP_NUM_THREADS", environment)
    assert compute.default_threads() == expected


def test_denormals_are_flushed_on_the_thread_that_asks() -> None:
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor cannot flush denormals")
    tiny = torch.tensor([1e-39], dtype=torch.float32)
    seen: list[float] = []

    def work() -> None:
        compute.prepare_generating_thread()
        seen.append(float((tiny * 0.5).item()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [0.0]


def test_cpu_is_there_and_other_kinds_of_device_are_refused() -> None:
    assert compute.choose_device("cpu") == torch.device("cpu")
    assert compute.choose_device("auto").type in {"cpu", "cuda"}
    with pytest.raises(compute.ComputeError, match="'meta' is not supported"):
        compute.choose_device("meta")
