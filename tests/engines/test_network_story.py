# SPDX-License-Identifier: Apache-2.0
"""The recorded three-shot story, told by the TensorRT engine over its networks' own definitions.

All of the engine but the executors runs here: sessions, captions, caches, the decoder and its carried states.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_story import RecordedText, load_golden_model, open_recorded_story
from interpreted_decoder import InterpretedSteps
from interpreted_session import InterpretedPasses
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.engine import TensorRtEngine
from shotstream_runtime.engines.tensorrt.prepared_student import PreparedStudent
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.student_tensors import StudentTensors
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.shot_context import latent_size

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")


@pytest.mark.golden
def test_three_shots_show_the_recorded_pictures(
    golden_dir: Path, golden_json: Any, golden_tensors: Any
) -> None:
    recorded_text = RecordedText(golden_tensors("rollout")["in.prompt_embeds"])
    model = load_golden_model(golden_dir, recorded_text)
    _, height, width = latent_size(model)
    student = model.student
    tensors = StudentTensors(student.config, height, width, Precision.FP32)
    prepared = PreparedStudent(student, Precision.FP32)
    passes = InterpretedPasses(trt, tensors, student)
    # What is only in the network from here on is not to be used by anything else.
    prepared.release()
    engine = TensorRtEngine(Product.TENSORRT_RTX, prepared, tensors, passes)
    steps = InterpretedSteps(trt, model.video, height, width)
    values = golden_json("student_config")["rollout"]
    story = open_recorded_story(
        replace(model, other_decoders=steps.decoders), engine, golden_tensors("rollout"), values
    )
    shown: dict[int, list[Any]] = {}
    while not story.idle:
        for event in story.advance():
            if isinstance(event, FramesReady):
                shown.setdefault(event.shot, []).append(event.pixels)
    assert len(shown) == values["shots"]
    for shot, parts in shown.items():
        recorded = golden_tensors("rollout")[f"out.shot{shot}.pixels"][0]
        pictures = ((recorded + 1) * 127.5).round().permute(0, 2, 3, 1).byte().numpy()
        made = np.concatenate(parts)
        assert made.shape == pictures.shape
        # Where a number lies between two, the last digit decides.
        difference = np.abs(made.astype(int) - pictures.astype(int))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3
