# SPDX-License-Identifier: Apache-2.0
"""Models of any dimensions with random weights: the arithmetic of the trained ones, and no picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import nn

from shotstream_runtime.codecs.caption_cache import CachedTextEncoder
from shotstream_runtime.codecs.preview_decoder import PreviewDecoder
from shotstream_runtime.codecs.text import CaptionFeatures
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.weights.layouts import blank_student, blank_video
from shotstream_runtime.weights.load import LoadedModel
from shotstream_runtime.weights.profile import ModelProfile

_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class RandomText:
    """Features that depend on the prompt alone; takes no time and no memory of the device."""

    text_len: int
    text_dim: int

    def encode(self, prompt: str) -> CaptionFeatures:
        """Features drawn from a seed that is the prompt's hash."""
        seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "little")
        generator = torch.Generator().manual_seed(seed)
        return CaptionFeatures(torch.randn(self.text_len, self.text_dim, generator=generator))


def random_model(
    config: StudentConfig,
    video: VideoCodecConfig,
    *,
    width: int,
    height: int,
    device: torch.device,
    dtype: torch.dtype,
) -> LoadedModel:
    """A model at a size in pixels, whose weights never were anywhere but on its device."""
    student = fill_randomly(blank_student(config).to(dtype), device)
    vae = fill_randomly(nn.Module.to(blank_video(video), dtype), device)
    codec = VideoCodec(vae, video.latent_mean, video.latent_std)
    profile = ModelProfile(
        name="random",
        width=width,
        height=height,
        frames_per_chunk=config.frames_per_chunk,
        latent_frames_per_shot=config.local_window_frames,
        # Engines that are built know their weights by this; these ones are given by what they are drawn for.
        weights_hash=hashlib.sha256(f"random {config} {video}".encode()).hexdigest(),
    )
    text = CachedTextEncoder(RandomText(config.text_len, config.text_dim))
    assert isinstance(student, Student)  # noqa: S101 - for the type checker
    return LoadedModel("random", student, codec, text, profile)


def unchanged(model: LoadedModel) -> LoadedModel:
    """The model as it is, with the full decoder."""
    return model


def with_random_preview(model: LoadedModel) -> LoadedModel:
    """The model with a small decoder of random weights."""
    with torch.device("meta"):
        preview = PreviewDecoder(model.video.latent_channels).to(model.student.dtype)
    fill_randomly(preview, model.student.device)
    return replace(model, preview=preview)


def fill_randomly(module: nn.Module, device: torch.device) -> nn.Module:
    """Gives a module without memory small random weights on a device; norms are ones."""
    module.to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(False)
        if "norm" in name and not name.endswith("bias"):
            parameter.fill_(1.0)
        else:
            parameter.normal_(0.0, _SPREAD, generator=generator)
    return module.eval()
