# SPDX-License-Identifier: Apache-2.0
"""The student's TensorRT network, recomputed from its own definition, against the eager student.

The session is the one that runs on a GPU; only the executor below it differs.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from interpreted_session import FLAGS, NEW_FLAG, Pair
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt import student_tensors as names
from shotstream_runtime.engines.tensorrt.prepared_student import PreparedStudent
from shotstream_runtime.engines.tensorrt.student_tensors import Pass
from shotstream_runtime.model import Student
from torch import Tensor

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

TOLERANCE = 2e-5


@pytest.fixture
def pair(golden_student: Student, golden_tensors: Any) -> Pair:
    return Pair.of(trt, golden_student, golden_tensors("student_io")["in.prompt_embeds"])


@pytest.mark.golden
def test_context_pass_fills_the_cache_like_the_recorded_one(pair: Pair, golden_tensors: Any) -> None:
    recorded = golden_tensors("student_io")
    pair.prefill(recorded["in.cond_latents"], FLAGS)
    for layer in range(pair.config.num_layers):
        for kind, name in (("k", names.cached_keys(layer)), ("v", names.cached_values(layer))):
            expected = recorded[f"out.a.context_{kind}.{layer}"]
            stored = pair.network.cache[name].transpose(1, 2)[:, : expected.shape[1]]
            torch.testing.assert_close(stored, expected, atol=TOLERANCE, rtol=0)
    assert pair.executor.passes == [Pass.CONTEXT]


def test_every_chunk_of_a_shot_agrees_with_eager(pair: Pair, golden_tensors: Any) -> None:
    """One network serves all chunks: the lengths are inputs, the caches are written in place."""
    pair.prefill(golden_tensors("student_io")["in.cond_latents"], FLAGS)
    assert pair.cache_deviation() < TOLERANCE
    for chunk in range(7):
        expected, made = pair.chunk(pair.noises(chunk), 3 * chunk, NEW_FLAG, NEW_FLAG)
        torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)
        assert pair.cache_deviation() < TOLERANCE
    assert expected.abs().max() > 1


def test_redirected_shot_reads_the_new_caption(pair: Pair, golden_tensors: Any) -> None:
    pair.prefill(golden_tensors("student_io")["in.cond_latents"], FLAGS)
    pair.chunk(pair.noises(0), 0, NEW_FLAG, 3)
    expected, made = pair.chunk(pair.noises(1), 3, NEW_FLAG, 1)
    torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("sink", [0, 3])
def test_shot_beyond_the_window_goes_round_the_ring(
    golden_student: Student, golden_tensors: Any, sink: int
) -> None:
    config = replace(golden_student.config, local_window_frames=9, sink_frames=sink)
    short = Student(config).eval()
    short.load_state_dict(golden_student.state_dict())
    pair = Pair.of(trt, short, golden_tensors("student_io")["in.prompt_embeds"])
    pair.prefill(golden_tensors("student_io")["in.cond_latents"], FLAGS)
    for chunk in range(6):
        expected, made = pair.chunk(pair.noises(chunk), 3 * chunk, NEW_FLAG, NEW_FLAG)
        torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def test_next_shot_starts_over_in_the_same_buffers(pair: Pair, golden_tensors: Any) -> None:
    latents = golden_tensors("student_io")["in.cond_latents"]
    pair.prefill(latents, FLAGS)
    pair.chunk(pair.noises(0), 0, NEW_FLAG, 3)
    pair.chunk(pair.noises(1), 3, NEW_FLAG, 3)
    pair.prefill(latents.flip(1), (1, 1, 2, 2, 3, 3))
    expected, made = pair.chunk(pair.noises(2), 0, 4, 0)
    torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def test_size_the_engine_was_not_built_for_is_refused(pair: Pair) -> None:
    caption = pair.network.prepare_caption(pair.embeds[0])
    with pytest.raises(ValueError, match=r"\(1, 3, 16, 6, 12\).*built for \(1, 3, 16, 8, 12\)"):
        pair.network.denoise(
            torch.zeros(1, 3, 16, 6, 12),
            lambda step: torch.zeros(1, 3, 16, 6, 12),
            first_frame=0,
            shot_flag=1,
            caption=caption,
        )


def test_released_student_prepares_the_same(golden_student: Student, golden_tensors: Any) -> None:
    embeds = golden_tensors("student_io")["in.prompt_embeds"][0]

    def all_of(prepared: PreparedStudent) -> list[Tensor]:
        captions = [part for pair in prepared.caption_keys(embeds).layers for part in pair]
        return [*captions, *prepared.modulation(500.0), *prepared.modulation(0.0)]

    student = deepcopy(golden_student)
    prepared = PreparedStudent(student, Precision.FP32)
    prepared.release()
    expected = all_of(PreparedStudent(golden_student, Precision.FP32))
    for ours, theirs in zip(all_of(prepared), expected, strict=True):
        assert torch.equal(ours, theirs)
    kept = sum(weight.numel() for weight in student.parameters() if weight.device.type != "meta")
    assert kept < 0.5 * sum(weight.numel() for weight in golden_student.parameters())
