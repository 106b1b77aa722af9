# SPDX-License-Identifier: Apache-2.0
"""A tiny model with real structure: the golden student and autoencoder, and a text side made of seeds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from shotstream_runtime.codecs.caption_cache import CachedTextEncoder
from shotstream_runtime.codecs.text import CaptionFeatures, CaptionNotice
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.weights.layouts import student_layout, video_layout
from shotstream_runtime.weights.load import LoadedModel
from shotstream_runtime.weights.profile import ModelProfile


@dataclass(frozen=True)
class SeededText:
    """Features drawn from a seed that is the prompt's hash; "unheard of" gives a notice."""

    text_len: int
    text_dim: int

    def encode(self, prompt: str) -> CaptionFeatures:
        seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "little")
        embeds = torch.randn(self.text_len, self.text_dim, generator=torch.Generator().manual_seed(seed))
        embeds[len(prompt.split()) :] = 0
        notices = (CaptionNotice("outside-world", "never heard of it"),) if "unheard of" in prompt else ()
        return CaptionFeatures(embeds, notices)


@pytest.fixture(scope="session")
def tiny_model(golden_dir: Path, golden_json: Any, golden_tensors: Any) -> LoadedModel:
    """The golden networks as a loaded model, at the size of the golden rollout."""
    values = golden_json("student_config")
    config = StudentConfig.from_dict(values)
    student = Student(config).eval().requires_grad_(False)
    weights = golden_dir / "student_weights.safetensors"
    student_layout(config).load(student, dict(golden_tensors("student_weights")), weights)
    video_config = VideoCodecConfig.from_published(golden_json("vae_config"))
    vae = video_config.build().requires_grad_(False)
    weights = golden_dir / "vae_weights.safetensors"
    video_layout(video_config).load(vae, dict(golden_tensors("vae_weights")), weights)
    video = VideoCodec(vae, video_config.latent_mean, video_config.latent_std)
    text = CachedTextEncoder(SeededText(config.text_len, config.text_dim))
    profile = ModelProfile(
        name="tiny",
        width=values["rollout"]["w"] * video.spatial_factor,
        height=values["rollout"]["h"] * video.spatial_factor,
        frames_per_chunk=config.frames_per_chunk,
        latent_frames_per_shot=7 * config.frames_per_chunk,
    )
    return LoadedModel(name="tiny", student=student, video=video, text=text, profile=profile)
