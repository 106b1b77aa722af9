# SPDX-License-Identifier: Apache-2.0
"""The student's network in 8 and in 4 bit: its arithmetic; `test_network_rounding` has its rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from interpreted_session import FLAGS, HEIGHT, NEW_FLAG, WIDTH, Pair
from shotstream_runtime.engines.base import EngineSession
from shotstream_runtime.engines.eager import EagerEngine
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges, range_names
from shotstream_runtime.engines.tensorrt.build_log import BuildLog
from shotstream_runtime.engines.tensorrt.constants import data_type
from shotstream_runtime.engines.tensorrt.definition import define_student
from shotstream_runtime.engines.tensorrt.errors import TensorRtError
from shotstream_runtime.engines.tensorrt.fp8_format import quantised_rows
from shotstream_runtime.engines.tensorrt.nvfp4_format import quantised_blocks
from shotstream_runtime.engines.tensorrt.range_recorder import RangeRecorder
from shotstream_runtime.engines.tensorrt.student_tensors import StudentTensors
from shotstream_runtime.model import Student
from torch import Tensor

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

TOLERANCE = 2e-5
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def representable(student: Student, precision: Precision = Precision.FP8, **changes: Any) -> Student:
    """The same student with weights that lose nothing when the network rounds them."""
    twin = Student(replace(student.config, **changes)).eval()
    state = {name: weight.bfloat16().float() for name, weight in student.state_dict().items()}
    for name, weight in state.items():
        if name.startswith("blocks.") and weight.ndim == 2 and name.endswith("weight"):
            state[name] = rounded(weight, precision)
    if precision is Precision.NVFP4:
        # One scale stands above all of a matrix, and the network joins these three.
        for layer in range(student.config.num_layers):
            names = [f"blocks.{layer}.self_attn.{part}.weight" for part in "qkv"]
            joined = rounded(torch.cat([student.state_dict()[name] for name in names]), precision)
            state |= dict(zip(names, joined.chunk(3), strict=True))
    twin.load_state_dict(state)
    return twin.requires_grad_(False)


def rounded(weight: Tensor, precision: Precision) -> Tensor:
    """A matrix through the narrow format and back."""
    if precision is Precision.FP8:
        values, scales = quantised_rows(weight)
        return values.float() * scales[:, None]
    codes, scales, above = quantised_blocks(weight)
    halves = torch.stack((codes & 15, codes >> 4), dim=-1).flatten(1).long()
    numbers = torch.where(halves < 8, 1.0, -1.0) * torch.tensor(_E2M1)[halves & 7]
    return numbers * (scales.float() * above).repeat_interleave(16, dim=1)


def ranges_of(student: Student, value: float) -> ActivationRanges:
    largest = dict.fromkeys(range_names(student.config), value)
    return ActivationRanges(weights_hash="0" * 64, stories=("none",), passes=1, largest=largest)


@pytest.mark.parametrize("sink", [0, 3])
def test_arithmetic_is_eager_arithmetic_also_round_the_ring(
    golden_student: Student, golden_tensors: Any, sink: int
) -> None:
    """Scales, axes, the order of keys and the slots: without rounding nothing else is left to differ."""
    student = representable(golden_student, local_window_frames=9, sink_frames=sink)
    inputs = golden_tensors("student_io")
    pair = Pair.of(
        trt, student, inputs["in.prompt_embeds"], Precision.FP8, ranges_of(student, 3.0), wide=True
    )
    for shot in range(2):
        pair.prefill(inputs["in.cond_latents"], FLAGS)
        for chunk in range(7):
            expected, made = pair.chunk(pair.noises(10 * shot + chunk), 3 * chunk, NEW_FLAG, NEW_FLAG)
            torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def test_4_bit_weights_are_the_nearest_numbers_of_their_blocks() -> None:
    weight = torch.randn(64, 96, generator=torch.Generator().manual_seed(0))
    weight[3, 16:32] = 0
    made = rounded(weight, Precision.NVFP4)
    assert made[3, 16:32].abs().max() == 0
    largest = weight.unflatten(1, (-1, 16)).abs().amax(-1).repeat_interleave(16, dim=1)
    # Up to 6 numbers lie at most 2 apart, and a block's scale is itself rounded by up to a sixteenth.
    assert ((made - weight).abs() <= largest / 6 * (1 + 6 / 16)).all()
    assert 0.05 < (made - weight).square().mean().sqrt() < 0.12
    # What is representable stays as it is.
    torch.testing.assert_close(rounded(made, Precision.NVFP4), made, atol=1e-6, rtol=0)


def test_4_bit_arithmetic_is_eager_arithmetic(golden_student: Student, golden_tensors: Any) -> None:
    inputs = golden_tensors("student_io")
    student = representable(golden_student, Precision.NVFP4)
    ranges = ranges_of(student, 3.0)
    pair = Pair.of(trt, student, inputs["in.prompt_embeds"], Precision.NVFP4, ranges, wide=True)
    expected = torch.cat(rehearse(pair.eager, student, inputs))
    made = torch.cat(rehearse(pair.network, student, inputs))
    torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def calibrated(student: Student, inputs: Any) -> ActivationRanges:
    """Ranges of one shot of the golden scenario, measured through the eager student."""
    recorder = RangeRecorder(student)
    with recorder.watching():
        rehearse(EagerEngine(student).open_session(HEIGHT, WIDTH), student, inputs)
    assert recorder.passes == 1 + 3 * (4 + 1)
    return recorder.ranges("0" * 64, ("golden",))


def rehearse(session: EngineSession, student: Student, inputs: Any) -> list[Tensor]:
    """One shot of three chunks; what it made."""
    captions = [session.prepare_caption(embeds) for embeds in inputs["in.prompt_embeds"]]
    session.prefill(inputs["in.cond_latents"], FLAGS, [captions[flag] for flag in FLAGS])
    made = []
    for chunk in range(3):
        noises = torch.randn(4, 1, 3, 16, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(chunk))
        place: Any = {"first_frame": 3 * chunk, "shot_flag": NEW_FLAG, "caption": captions[NEW_FLAG]}
        made.append(session.denoise(noises[0], noises.__getitem__, **place))
        session.refresh(made[-1], **place)
    return made


def test_calibrated_ranges_are_what_the_network_quantises(
    golden_student: Student, golden_tensors: Any
) -> None:
    """Nothing is cut off, and no place has the range of another."""
    student, inputs = representable(golden_student), golden_tensors("student_io")
    ranges = calibrated(student, inputs)
    assert set(ranges.largest) == set(range_names(student.config))
    pair = Pair.of(trt, student, inputs["in.prompt_embeds"], Precision.FP8, ranges, wide=True)
    rehearse(pair.network, student, inputs)
    filled = pair.executor.interpreter.quantised
    assert {name.removesuffix(" in 8 bit") for name in filled} == set(ranges.largest)
    # What the last block makes of clean frames is thrown away, and eager does not compute it.
    filled = {name: used for name, used in filled.items() if not name.startswith("blocks.2.")}
    # Rotation turns pairs of channels: their length is measured, which one channel need not reach.
    assert max(filled.values()) < 1.0001
    assert min(filled.values()) > 0.7


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP8, Precision.NVFP4])
def test_network_has_the_outputs_that_are_declared(golden_student: Student, precision: Precision) -> None:
    tensors = StudentTensors(golden_student.config, HEIGHT, WIDTH, precision)
    ranges = ranges_of(golden_student, 3.0)
    definition = define_student(trt, BuildLog().logger(trt), tensors, golden_student.state_dict(), ranges)
    network = definition.network
    made = {(out := network.get_output(i)).name: out for i in range(network.num_outputs)}
    assert {name: (out.dtype, tuple(out.shape)) for name, out in made.items()} == {
        name: (data_type(trt, declared.dtype), declared.shape) for name, declared in tensors.outputs().items()
    }


def test_place_that_was_not_calibrated_is_named(golden_student: Student, golden_tensors: Any) -> None:
    ranges = ranges_of(golden_student, 3.0)
    del ranges.largest["blocks.1.ffn.2"]
    embeds = golden_tensors("student_io")["in.prompt_embeds"]
    with pytest.raises(TensorRtError, match=r"blocks\.1\.ffn\.2.*shotstream engine calibrate"):
        Pair.of(trt, golden_student, embeds, Precision.FP8, ranges)
    with pytest.raises(TensorRtError, match=r"fp8 needs to know.*shotstream engine calibrate"):
        Pair.of(trt, golden_student, embeds, Precision.FP8)
