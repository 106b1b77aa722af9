# SPDX-License-Identifier: Apache-2.0
"""The TensorRT engine over networks that are computed from their own definitions, rounding as they say.

What it is off by is what TensorRT's engine is off by at least, wherever it keeps to its network.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from interpreted_session import InterpretedPasses
from shotstream_runtime.engines import EagerEngine, Engine
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges
from shotstream_runtime.engines.tensorrt.engine import TensorRtEngine
from shotstream_runtime.engines.tensorrt.precisions import quantised
from shotstream_runtime.engines.tensorrt.prepared_student import PreparedStudent
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.range_recorder import RangeRecorder
from shotstream_runtime.engines.tensorrt.student_tensors import StudentTensors
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.deviation import chunk_deviation
from shotstream_runtime.streaming.shot_context import latent_size
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

CALIBRATION_CAPTION = "A tall blue bear with a red scarf in a green meadow."
CALIBRATION_BEATS = (
    "Close-up. The bear waves.",
    "Wide shot. The bear runs.",
    "Medium shot. The bear stands.",
)
"""Another story than the one that deviations are measured on, as a user's is."""


def interpreted_kind(trt: Any, golden: Path) -> EngineKind:
    """The engine as a kind, for `measure_deviation` on a CPU.

    Args:
        trt: The product's Python API.
        golden: The golden folder.
    """

    def refusal(device: DeviceFacts, precision: Precision) -> str | None:
        del device, precision
        return None

    def build(model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, Engine]:
        precision = options.precision
        ranges = calibrated(model, golden) if quantised(precision) else None
        _, height, width = latent_size(model)
        tensors = StudentTensors(model.student.config, height, width, precision)
        passes = InterpretedPasses(trt, tensors, model.student, ranges)
        prepared = PreparedStudent(model.student, precision)
        return model, TensorRtEngine(Product.TENSORRT_RTX, prepared, tensors, passes)

    return EngineKind(name="interpreted", about="", automatic=False, refusal=refusal, build=build)


def calibrated(model: LoadedModel, golden: Path) -> ActivationRanges:
    """Ranges as `shotstream engine calibrate` measures them: of a story, or of the recorded chunks."""
    recorder, eager = RangeRecorder(model.student), EagerEngine(model.student)
    with recorder.watching(), torch.inference_mode():
        if model.source == "mini":
            stream = StoryStream(model, eager, global_caption=CALIBRATION_CAPTION, seed=7)
            for number, text in enumerate(CALIBRATION_BEATS):
                stream.submit(Beat(id=str(number), text=text, chunks=2))
            while not stream.idle:
                list(stream.advance())
        else:
            chunk_deviation(eager, model, golden)
    return recorder.ranges(hashlib.sha256(model.name.encode()).hexdigest(), (model.name,))
