# SPDX-License-Identifier: Apache-2.0
"""The student's network in 8 bit: its arithmetic exactly, its rounding within bounds."""

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
from shotstream_runtime.engines.tensorrt.errors import TensorRtError
from shotstream_runtime.engines.tensorrt.fp8_format import quantised_rows
from shotstream_runtime.engines.tensorrt.range_recorder import RangeRecorder
from shotstream_runtime.model import Student
from torch import Tensor

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

TOLERANCE = 2e-5


def representable(student: Student, **changes: Any) -> Student:
    """The same student with weights that lose nothing when the network rounds them."""
    twin = Student(replace(student.config, **changes)).eval()
    state = {name: weight.bfloat16().float() for name, weight in student.state_dict().items()}
    for name, weight in state.items():
        if name.startswith("blocks.") and weight.ndim == 2 and name.endswith("weight"):
            values, scales = quantised_rows(weight)
            state[name] = values.float() * scales[:, None]
    twin.load_state_dict(state)
    return twin.requires_grad_(False)


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


@pytest.mark.parametrize(
    ("precision", "least", "most"), [(Precision.FP8, 5e-3, 4e-2), (Precision.BF16, 1e-3, 1e-2)]
)
def test_rounding_stays_within_bounds(
    golden_student: Student, golden_tensors: Any, precision: Precision, least: float, most: float
) -> None:
    """Relative, root mean square: 2.1e-2 in fp8 and 4.3e-3 in bf16 when it was written."""
    inputs = golden_tensors("student_io")
    ranges = calibrated(golden_student, inputs)
    pair = Pair.of(trt, golden_student, inputs["in.prompt_embeds"], precision, ranges)
    expected = rehearse(pair.eager, golden_student, inputs)
    made = rehearse(pair.network, golden_student, inputs)
    for ours, theirs in zip(made, expected, strict=True):
        error = (ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt()
        assert least < error < most


def test_place_that_was_not_calibrated_is_named(golden_student: Student, golden_tensors: Any) -> None:
    ranges = ranges_of(golden_student, 3.0)
    del ranges.largest["blocks.1.ffn.2"]
    embeds = golden_tensors("student_io")["in.prompt_embeds"]
    with pytest.raises(TensorRtError, match=r"blocks\.1\.ffn\.2.*shotstream engine calibrate"):
        Pair.of(trt, golden_student, embeds, Precision.FP8, ranges)
    with pytest.raises(TensorRtError, match=r"fp8 needs to know.*shotstream engine calibrate"):
        Pair.of(trt, golden_student, embeds, Precision.FP8)
