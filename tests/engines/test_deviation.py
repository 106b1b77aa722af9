# SPDX-License-Identifier: Apache-2.0
"""How far each engine is from the truth, and that it keeps the bounds of its precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shotstream_runtime.bench.exactness import measure_deviation
from shotstream_runtime.engines import Engine, Precision
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.engines.torch_kinds import COMPILED, CUDA_GRAPH, EAGER, build_static
from shotstream_runtime.streaming.deviation import Deviation, DeviationReport, PictureDeviation
from shotstream_runtime.weights.load import LoadedModel

# On a GPU its passes become graphs; here they run as they stand.
UNGRAPHED = EngineKind(
    name="ungraphed",
    about="the engine over static buffers, neither compiled nor captured",
    automatic=False,
    refusal=lambda _device, _precision: None,
    build=lambda model, options: build_static(
        model, options, name="ungraphed", compiled=False, capture=False
    ),
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@pytest.mark.golden
@pytest.mark.parametrize("eight_bit_cache", [False, True])
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16, Precision.FP8])
def test_static_buffers_keep_the_bounds(
    precision: Precision, eight_bit_cache: bool, golden_dir: Path
) -> None:
    options = EngineOptions(precision=precision, eight_bit_cache=eight_bit_cache)
    report = measure_deviation(UNGRAPHED, options, torch.device("cpu"), golden_dir)
    assert report.beyond == []
    # Bounds that would let anything through would be none.
    if precision is not Precision.FP32 or eight_bit_cache:
        assert report.chunks is not None
        assert report.chunks.relative > report.bounds.chunk_relative / 10
        assert report.pictures.mean_db < report.bounds.mean_db + 20


@pytest.mark.golden
@pytest.mark.slow  # on a CPU nearly the same numbers as those over static buffers
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP8])
def test_eager_keeps_the_bounds(precision: Precision, golden_dir: Path) -> None:
    options = EngineOptions(precision=precision)
    assert measure_deviation(EAGER, options, torch.device("cpu"), golden_dir).beyond == []


@pytest.mark.golden
@pytest.mark.slow  # compiling takes a minute
def test_compiled_keeps_the_bounds(golden_dir: Path) -> None:
    options = EngineOptions(precision=Precision.FP32)
    assert measure_deviation(COMPILED, options, torch.device("cpu"), golden_dir).beyond == []


@pytest.mark.golden
@pytest.mark.gpu
@pytest.mark.parametrize("kind", [EAGER, COMPILED, CUDA_GRAPH], ids=lambda kind: kind.name)
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16, Precision.FP8])
def test_bounds_on_a_gpu(kind: EngineKind, precision: Precision, golden_dir: Path) -> None:
    options = EngineOptions(precision=precision)
    assert measure_deviation(kind, options, torch.device("cuda"), golden_dir).beyond == []


def test_an_engine_that_is_wrong_is_told(golden_dir: Path) -> None:
    def build(model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, Engine]:
        built: tuple[LoadedModel, Engine] = UNGRAPHED.build(model, options)
        with torch.no_grad():
            model.student.blocks[1].norm3.weight.mul_(1.3)
        return built

    wrong = EngineKind(
        name="wrong", about="", automatic=False, refusal=lambda _device, _precision: None, build=build
    )
    options = EngineOptions(precision=Precision.FP32)
    beyond = measure_deviation(wrong, options, torch.device("cpu"), golden_dir).beyond
    assert [line.partition(":")[0] for line in beyond] == ["chunks", "story", "pictures"]


def test_numbers_that_are_none_are_beyond_every_bound() -> None:
    nothing = Deviation.of([(torch.tensor([float("nan")]), torch.ones(1))])
    pictures = PictureDeviation(float("nan"), float("nan"))
    report = DeviationReport("x", Precision.NVFP4, False, nothing, nothing, pictures)
    assert len(report.beyond) == 3


def test_pictures_are_compared_in_decibels() -> None:
    truth: Any = np.zeros((2, 4, 4, 3), np.uint8)
    ours = truth.copy()
    ours[1] = 255
    compared = PictureDeviation.of(ours, truth)
    assert compared.worst_db == pytest.approx(0.0)
    assert compared.mean_db == pytest.approx(3.01, abs=0.01)
    assert PictureDeviation.of(truth, truth).worst_db == 99.0
