# SPDX-License-Identifier: Apache-2.0
"""The student's network in 8 bit: its arithmetic exactly, its rounding within bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from interpreted_session import FLAGS, NEW_FLAG, Pair
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges, range_names
from shotstream_runtime.engines.tensorrt.errors import TensorRtError
from shotstream_runtime.engines.tensorrt.fp8_format import quantised_rows
from shotstream_runtime.model import Student

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


def test_place_that_was_not_calibrated_is_named(golden_student: Student, golden_tensors: Any) -> None:
    ranges = ranges_of(golden_student, 3.0)
    del ranges.largest["blocks.1.ffn.2"]
    embeds = golden_tensors("student_io")["in.prompt_embeds"]
    with pytest.raises(TensorRtError, match=r"blocks\.1\.ffn\.2.*shotstream engine calibrate"):
        Pair.of(trt, golden_student, embeds, Precision.FP8, ranges)
    with pytest.raises(TensorRtError, match="fp8 needs to know.*shotstream engine calibrate"):
        Pair.of(trt, golden_student, embeds, Precision.FP8)
