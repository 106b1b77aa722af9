# SPDX-License-Identifier: Apache-2.0
"""The TensorRT networks with the rounding that they define, held to the bounds of their precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from interpreted_engine import interpreted_kind
from shotstream_runtime.bench.exactness import measure_deviation
from shotstream_runtime.engines.engine_kind import EngineOptions
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.streaming.deviation import BOUNDS, chunk_deviation
from shotstream_runtime.streaming.golden import load_golden_model

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

PRECISIONS = (Precision.BF16, Precision.FP8, Precision.NVFP4)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@pytest.mark.golden
@pytest.mark.parametrize("precision", PRECISIONS)
def test_recorded_chunks(precision: Precision, golden_dir: Path) -> None:
    text: Any = None
    model = load_golden_model(golden_dir, text, dtype=precision.dtype)
    model, engine = interpreted_kind(trt, golden_dir).build(model, EngineOptions(precision=precision))
    bound = BOUNDS[precision].chunk_relative
    # One that is never near would be no bound.
    assert bound / 5 < chunk_deviation(engine, model, golden_dir).relative < bound


@pytest.mark.golden
@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_story_of_mini(precision: Precision, golden_dir: Path) -> None:
    kind = interpreted_kind(trt, golden_dir)
    report = measure_deviation(kind, EngineOptions(precision=precision), torch.device("cpu"), golden_dir)
    assert report.beyond == []
    assert report.latents.relative > report.bounds.rollout_relative / 5
    assert report.pictures.mean_db < report.bounds.mean_db + 15
