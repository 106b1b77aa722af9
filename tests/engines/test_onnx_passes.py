# SPDX-License-Identifier: Apache-2.0
"""The student's passes exported to ONNX and run by onnxruntime, against eager: a second witness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from interpreted_session import FLAGS, HEIGHT, NEW_FLAG, WIDTH, Pair
from shotstream_runtime.engines.eager import EagerEngine
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.prepared_student import PreparedStudent
from shotstream_runtime.engines.tensorrt.session import TensorRtSession
from shotstream_runtime.engines.tensorrt.student_tensors import StudentTensors
from shotstream_runtime.model import FlowSchedule, Student

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

TOLERANCE = 1e-4


def test_onnxruntime_agrees_with_eager_over_a_shot(golden_student: Student, golden_tensors: Any) -> None:
    from onnx_passes import OnnxPasses

    # Export takes seconds for each layer; the first and the last are all that differ.
    config = replace(golden_student.config, num_layers=2)
    student = Student(config).eval().requires_grad_(False)
    student.load_state_dict(golden_student.state_dict(), strict=False)
    tensors = StudentTensors(config, HEIGHT, WIDTH, Precision.FP32)
    executor: Any = OnnxPasses(tensors, student)
    schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
    session = TensorRtSession(PreparedStudent(student, Precision.FP32), schedule, tensors, executor)
    inputs = golden_tensors("student_io")
    eager = EagerEngine(student).open_session(HEIGHT, WIDTH)
    pair = Pair(eager, session, executor, config, inputs["in.prompt_embeds"])
    pair.prefill(inputs["in.cond_latents"], FLAGS)
    for chunk in range(3):
        expected, made = pair.chunk(pair.noises(chunk), 3 * chunk, NEW_FLAG, NEW_FLAG)
        torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)
        assert pair.cache_deviation() < TOLERANCE
    assert len(executor.passes) == 1 + 3 * 5
