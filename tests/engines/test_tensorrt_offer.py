# SPDX-License-Identifier: Apache-2.0
"""The way from `--engine tensorrt-rtx` to a plan that is opened, as far as it goes without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from shotstream_runtime.bench.random_engine import build_if_needed
from shotstream_runtime.bench.random_model import random_model
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines.engine_kind import EngineOptions
from shotstream_runtime.engines.kinds import ENGINE_KINDS
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.errors import EngineUnusable, TensorRtError
from shotstream_runtime.engines.tensorrt.estimate import estimate_build
from shotstream_runtime.engines.tensorrt.making import make_engine, recipe_for
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.store import FOLDER_VARIABLE, EngineStore
from shotstream_runtime.weights.load import LoadedModel, load_model

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

BF16 = EngineOptions(precision=Precision.BF16)


@pytest.fixture(scope="module")
def mini() -> LoadedModel:
    return load_model("mini", dtype=Precision.BF16.dtype)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineStore:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return EngineStore(tmp_path)


def open_engine(model: LoadedModel, options: EngineOptions) -> None:
    (kind,) = (kind for kind in ENGINE_KINDS if kind.name == "tensorrt-rtx")
    kind.build(model, options)


def test_missing_engine_is_told_with_the_command_that_builds_it(
    store: EngineStore, mini: LoadedModel
) -> None:
    with pytest.raises(
        EngineUnusable,
        match=r"no engine.*: shotstream engine build --model mini --engine tensorrt-rtx --precision bf16",
    ):
        open_engine(mini, BF16)
    assert list(store.folder.iterdir()) == []


def test_missing_calibration_is_told(store: EngineStore, mini: LoadedModel) -> None:
    with pytest.raises(
        TensorRtError, match=r"there is no calibration.*shotstream engine calibrate STORY.yaml --model mini$"
    ):
        open_engine(mini, EngineOptions(precision=Precision.FP8))


def test_mini_is_built_opened_and_diagnosed(store: EngineStore, mini: LoadedModel) -> None:
    """Everything up to the GPU: TensorRT itself says that there is none."""
    recipe = recipe_for(mini, Product.TENSORRT_RTX, Precision.BF16)
    told: list[tuple[str, float]] = []
    made = make_engine(store, recipe, mini, told=lambda what, done: told.append((what, done)))
    fractions = [done for _, done in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert made.record is not None
    decoder = sum(weight.numel() for weight in mini.video.vae.decoder.parameters())
    estimate = estimate_build(recipe.tensors, len(recipe.targets), decoder)
    # Mini is mostly kernels, which differ a little by build.
    assert 0.85 < estimate.disk_bytes / made.record.bytes < 1.15
    assert sorted(made.record.files) == ["decoder_first.plan", "decoder_next.plan", "student.plan"]

    with pytest.raises(EngineUnusable, match=r"does not fit this machine: .*; build it with: shotstream"):
        open_engine(mini, BF16)
    # One that was built for graphics beside it is another engine.
    with pytest.raises(EngineUnusable, match=r"shared memory bytes None, not 49152.*--share-gpu"):
        open_engine(mini, EngineOptions(precision=Precision.BF16, share_gpu=True))


def test_an_engine_to_be_measured_is_built_for_random_weights_once(
    store: EngineStore, mini: LoadedModel
) -> None:
    size = {"width": mini.profile.width, "height": mini.profile.height}
    model = random_model(
        mini.student.config,
        VideoCodecConfig(base_dim=8),
        **size,
        device=torch.device("cpu"),
        dtype=torch.bfloat16,
    )
    (kind,) = (kind for kind in ENGINE_KINDS if kind.name == "tensorrt-rtx")
    options = EngineOptions(precision=Precision.FP8)
    steps: list[str] = []
    build_if_needed(kind, model, options, steps.append)
    assert any(step.startswith("building: ") for step in steps)
    (made,) = store.engines()
    steps.clear()
    build_if_needed(kind, model, options, steps.append)
    assert steps == []
    assert [one.key for one in store.engines()] == [made.key]
    # It is found and opened as any other; there is no GPU that it would fit.
    with pytest.raises(EngineUnusable, match="does not fit this machine"):
        kind.build(model, options)
