# SPDX-License-Identifier: Apache-2.0
"""A folder of recorded numbers (tests/golden/README.md has its format) as a model and a rollout's inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from shotstream_runtime.codecs.caption_cache import CachedTextEncoder
from shotstream_runtime.codecs.text import CaptionFeatures, TextEncoder
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.weights.layouts import student_layout, video_layout
from shotstream_runtime.weights.load import LoadedModel
from shotstream_runtime.weights.profile import ModelProfile


@dataclass(frozen=True, slots=True, eq=False)
class GoldenRollout:
    """The recorded three-shot rollout.

    Attributes:
        tensors: ``rollout.safetensors``.
        shots: Number of shots.
        frames: Latent frames of each.
        context_flags: Flags of the context frames of each shot.
    """

    tensors: Mapping[str, Tensor]
    shots: int
    frames: int
    context_flags: tuple[tuple[int, ...], ...]

    @classmethod
    def read(cls, folder: Path) -> GoldenRollout:
        """Reads it."""
        values = json.loads((folder / "student_config.json").read_text(encoding="utf-8"))["rollout"]
        recorded = json.loads((folder / "rollout.json").read_text(encoding="utf-8"))
        return cls(
            load_file(folder / "rollout.safetensors"),
            values["shots"],
            values["frames"],
            tuple(tuple(flags) for flags in recorded["context_shot_flags"]),
        )


def load_golden_model(
    folder: Path,
    text: TextEncoder,
    *,
    accelerated: bool = True,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> LoadedModel:
    """Student and autoencoder of a golden folder, at the size of its rollout.

    Args:
        folder: The folder.
        text: What its prompts are encoded with.
        accelerated: Whether the video codec gets the faster kernels.
        device: Where it computes.
        dtype: Type of the weights.
    """
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
    return LoadedModel(
        name="golden",
        student=student.to(device, dtype).requires_grad_(False),
        video=video.to(device, dtype),
        text=CachedTextEncoder(text),
        profile=profile,
    )


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
        """See `NoiseSource.draw`.

        Raises:
            ValueError: What was recorded has another shape.
        """
        if step:
            noise = self._tensors[f"in.noise.shot{shot}.chunk{chunk}.renoise{step - 1}"]
        else:
            first = chunk * self._chunk
            noise = self._tensors[f"in.noise.shot{shot}.init"][:, first : first + self._chunk]
        if noise.shape != shape:
            raise ValueError(f"the recorded noise has shape {tuple(noise.shape)}; asked for {shape}")
        return noise


def with_recorded_text(model: LoadedModel, tensors: Mapping[str, Tensor]) -> LoadedModel:
    """A golden model whose text side is replaced by the recorded features."""
    features: Any = tensors["in.prompt_embeds"]
    return replace(model, text=CachedTextEncoder(RecordedText(features)))
