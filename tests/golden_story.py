# SPDX-License-Identifier: Apache-2.0
"""The recorded three-shot rollout as a story.

Shared by the streaming tests and `benchmarks/golden_rollout.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shotstream_runtime.engines import Engine
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.golden import (
    RecordedNoise,
    RecordedText,
    load_golden_model,
    with_recorded_text,
)
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel
from torch import Tensor

__all__ = ["RecordedNoise", "RecordedText", "load_golden_model", "open_recorded_story"]


def open_recorded_story(
    model: LoadedModel, engine: Engine, tensors: Mapping[str, Tensor], rollout: Mapping[str, Any]
) -> StoryStream:
    """The recorded rollout as a story whose beats have all been sent.

    Args:
        model: The golden model; its text side is replaced by the recorded features.
        engine: Executes the golden student.
        tensors: ``rollout.safetensors``.
        rollout: The entry ``rollout`` of ``student_config.json``.
    """
    chunk = model.student.config.frames_per_chunk
    story = StoryStream(
        with_recorded_text(model, tensors),
        engine,
        global_caption="",
        seed=0,
        noise=RecordedNoise(tensors, chunk),
    )
    for shot in range(rollout["shots"]):
        story.submit(Beat(id=str(shot), text="-", chunks=rollout["frames"] // chunk))
    return story
