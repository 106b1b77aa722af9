# SPDX-License-Identifier: Apache-2.0
"""The golden networks as a loaded model, and the recorded three-shot rollout as a story.

Shared by the streaming tests and `benchmarks/golden_rollout.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from shotstream_runtime.codecs.caption_cache import CachedTextEncoder
from shotstream_runtime.codecs.text import CaptionFeatures, TextEncoder
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines import Engine
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.layouts import student_layout, video_layout
from shotstream_runtime.weights.load import LoadedModel
from shotstream_runtime.weights.profile import ModelProfile
from torch import Tensor


def load_golden_model(folder: Path, text: TextEncoder, *, accelerated: bool = True) -> LoadedModel:
    """Student and autoencoder of a golden folder, at the size of its rollout."""
    values = json.loads((folder / "student_config.json").read_text(encoding="utf-8"))
    config = StudentConfig.from_dict(values)
    student = Student(config).eval().requires_grad_(False)
    weights = folder / "student_weights.safetensors"
    student_layout(config).load(student, load_file(weights), weights)
    published = json.loads((folder / "vae_config.json").read_text(encoding="utf-8"))
    video_config = VideoCodecConfig.from_published(published)
    vae = video_config.build().requires_grad_(False)
    weights = folder / "vae_weights.safetensors"
    video_layout(video_config).load(vae, load_file(weights), weights)
    video = VideoCodec(vae, video_config.latent_mean, video_config.latent_std, accelerated=accelerated)
    profile = ModelProfile(
        name="golden",
        width=values["rollout"]["w"] * video.spatial_factor,
        height=values["rollout"]["h"] * video.spatial_factor,
        frames_per_chunk=config.frames_per_chunk,
        latent_frames_per_shot=7 * config.frames_per_chunk,
    )
    cached = CachedTextEncoder(text)
    return LoadedModel(name="golden", student=student, video=video, text=cached, profile=profile)


class RecordedText:
    """The recorded features, chosen by the shot's number in the prompt."""

    def __init__(self, embeds: Tensor) -> None:
        self._embeds = embeds

    def encode(self, prompt: str) -> CaptionFeatures:
        """The features of the prompt's shot."""
        return CaptionFeatures(self._embeds[int(prompt.partition("shot")[2].partition(":")[0])])


class RecordedNoise:
    """The recorded noise: the whole shot's initial noise, and what is mixed in before each later step."""

    def __init__(self, tensors: Mapping[str, Tensor], frames_per_chunk: int) -> None:
        self._tensors, self._chunk = tensors, frames_per_chunk

    def draw(self, shot: int, chunk: int, step: int, shape: tuple[int, ...]) -> Tensor:
        """See `NoiseSource.draw`."""
        if step:
            noise = self._tensors[f"in.noise.shot{shot}.chunk{chunk}.renoise{step - 1}"]
        else:
            first = chunk * self._chunk
            noise = self._tensors[f"in.noise.shot{shot}.init"][:, first : first + self._chunk]
        assert noise.shape == shape
        return noise


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
    model = replace(model, text=CachedTextEncoder(RecordedText(tensors["in.prompt_embeds"])))
    story = StoryStream(model, engine, global_caption="", seed=0, noise=RecordedNoise(tensors, chunk))
    for shot in range(rollout["shots"]):
        story.submit(Beat(id=str(shot), text="-", chunks=rollout["frames"] // chunk))
    return story
