# SPDX-License-Identifier: Apache-2.0
"""The frozen autoencoder inside training: normalised latents, whole clips at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from shotstream_training.autoencoder.whole_clip import WholeClipCodec
from shotstream_training.device import autocast


class LatentCodec:
    """Pixels to normalised latents and back, without gradient.

    Args:
        vae: The autoencoder; frozen here.
        config: Its configuration with ``latents_mean`` and ``latents_std``.
        device: Where it works.
    """

    def __init__(self, vae: AutoencoderKLWan, config: dict[str, Any], device: torch.device) -> None:
        self.vae = vae.to(device).eval().requires_grad_(False)
        self.config = config
        self.device = device
        self._codec = WholeClipCodec(self.vae)
        shape = (1, -1, 1, 1, 1)
        self._mean = torch.tensor(config["latents_mean"], device=device).view(shape)
        self._std = torch.tensor(config["latents_std"], device=device).view(shape)

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, Tensor], config: dict[str, Any], device: torch.device
    ) -> LatentCodec:
        """An autoencoder of this configuration with these weights."""
        vae = AutoencoderKLWan.from_config(config)
        vae.load_state_dict(weights)
        return cls(vae, config, device)

    @property
    def channels(self) -> int:
        """Latent channels."""
        return len(self.config["latents_mean"])

    @torch.no_grad()
    def encode(self, clips: Tensor) -> Tensor:
        """Clips ``[b, 3, 1 + 4k, H, W]`` in [-1, 1] to latents ``[b, 1 + k, channels, h, w]``."""
        with autocast(self.device):
            mean, _ = self._codec.encode(clips)
        return ((mean.float() - self._mean) / self._std).transpose(1, 2)

    @torch.no_grad()
    def encode_frames(self, frames: Tensor) -> Tensor:
        """Frames ``[n, 3, H, W]``, each as a clip of its own, to latents ``[n, channels, h, w]``."""
        return self.encode(frames[:, :, None])[:, 0]

    @torch.no_grad()
    def decode(self, latents: Tensor, batch: int = 8) -> Tensor:
        """Latents ``[b, f, channels, h, w]`` to clips ``[b, 3, 1 + 4 (f - 1), H, W]`` in [-1, 1]."""
        parts = []
        for part in latents.float().split(batch):
            with autocast(self.device):
                pixels = self._codec.decode(part.transpose(1, 2) * self._std + self._mean)
            parts.append(pixels.float().clamp(-1, 1))
        return torch.cat(parts)
