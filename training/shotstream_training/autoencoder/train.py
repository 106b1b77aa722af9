# SPDX-License-Identifier: Apache-2.0
"""The video autoencoder's training step, on clips."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from shotstream_training.autoencoder.losses import LossWeights, divergence, psnr, reconstruction_loss
from shotstream_training.autoencoder.whole_clip import WholeClipCodec
from shotstream_training.device import autocast
from shotstream_training.graphed_step import GraphedStep
from shotstream_training.muon import MuonAdamW

STD_FLOOR = 0.1
"""Least standard deviation a latent channel is divided by, as a part of the channels' mean.

A channel that the divergence term has emptied would otherwise be blown up to noise of full size."""


@dataclass(frozen=True, slots=True)
class AutoencoderSettings:
    """Dimensions and training of the autoencoder.

    Attributes:
        base_dim: Channels at the finest level.
        dim_mult: Channel multipliers, finest level first.
        num_res_blocks: Residual blocks per level.
        latent_channels: Channels of a latent.
        batches: (frames, clips) of the steps, taken in turn.
        rate: Peak learning rate of the convolutions, by Muon: in 200 steps it came 3.4 dB further than AdamW.
        other_rate: Peak learning rate of the rest, by AdamW.
        decoder_only: Whether encoder and latents stay as they are, so that what was trained on them stays
            valid.
        latent_noise: Largest noise added to a clip's latents before they are decoded, in standard deviations;
            the decoder then turns what a student gets slightly wrong into clean pictures all the same.
        weights: Parts of the loss.
    """

    base_dim: int = 24
    dim_mult: tuple[int, ...] = (1, 2, 3)
    num_res_blocks: int = 1
    latent_channels: int = 32
    batches: tuple[tuple[int, int], ...] = ((17, 6), (1, 64), (17, 6), (9, 12), (33, 3))
    rate: float = 0.02
    other_rate: float = 2e-3
    decoder_only: bool = False
    latent_noise: float = 0.0
    weights: LossWeights = field(default_factory=LossWeights)

    def build(self) -> AutoencoderKLWan:
        """A fresh autoencoder: latents of 1/8 the size in space and 1/4 in time."""
        return AutoencoderKLWan(
            base_dim=self.base_dim,
            z_dim=self.latent_channels,
            dim_mult=list(self.dim_mult),
            num_res_blocks=self.num_res_blocks,
            temperal_downsample=[True, True],
            patch_size=2,
            in_channels=12,
            out_channels=12,
            latents_mean=[0.0] * self.latent_channels,
            latents_std=[1.0] * self.latent_channels,
        )


class HasShots(Protocol):
    """Rendered shots, by number."""

    def __len__(self) -> int:
        """How many."""
        ...

    def shots(self, indices: list[int]) -> Tensor:
        """Whole shots ``[n, 3, f, H, W]`` in [-1, 1]."""
        ...


class AutoencoderTrainer:
    """One training run."""

    def __init__(
        self,
        settings: AutoencoderSettings,
        device: torch.device,
        seed: int,
        start: AutoencoderKLWan | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.settings = settings
        self.device = device
        self.vae = (start or settings.build()).to(device)
        if settings.decoder_only:
            self.vae.encoder.requires_grad_(False)
            self.vae.quant_conv.requires_grad_(False)
        self.codec = WholeClipCodec(self.vae)
        # The first and last layer map pixels and have no orthogonal ideal; they and the vectors go to AdamW.
        ends = {id(m.weight) for m in (self.vae.encoder.conv_in, self.vae.decoder.conv_out)}
        learning = [p for p in self.vae.parameters() if p.requires_grad]
        hidden = {id(p) for p in learning if p.ndim >= 4} - ends
        self.optimizer = MuonAdamW(
            [p for p in learning if id(p) in hidden],
            [p for p in learning if id(p) not in hidden],
            rate=settings.rate,
            other_rate=settings.other_rate,
            precision=torch.bfloat16 if device.type == "cuda" else torch.float32,
        )
        self._graphed = GraphedStep(self._update, self.optimizer.zero_grad, device)

    def loss(self, clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Total loss, divergence and pixels of one batch."""
        with autocast(self.device):
            with torch.set_grad_enabled(not self.settings.decoder_only):
                mean, log_variance = self.codec.encode(clips)
            latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            if self.settings.latent_noise:
                spread = mean.detach().std(dim=(0, 2, 3, 4), keepdim=True)
                level = self.settings.latent_noise * torch.rand(len(mean), 1, 1, 1, 1, device=mean.device)
                latents = latents + level * spread * torch.randn_like(mean)
            pixels = self.codec.decode(latents)
        surprise = divergence(mean, log_variance)
        weights = self.settings.weights
        return reconstruction_loss(pixels, clips, weights) + weights.divergence * surprise, surprise, pixels

    def update(self, clips: Tensor, factor: float) -> dict[str, Tensor]:
        """One optimiser step; returns loss, divergence, PSNR in dB and the gradient's norm."""
        self.optimizer.scale_rates(factor)
        return self._graphed(clips)

    def _update(self, clips: Tensor) -> dict[str, Tensor]:
        self.optimizer.zero_grad()
        loss, surprise, pixels = self.loss(clips)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        # A gradient that is not finite is left out instead of ruining the weights, without asking the device.
        for parameter in self.vae.parameters():
            if parameter.grad is not None:
                parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
        self.optimizer.step()
        with torch.no_grad():
            quality = psnr(pixels, clips)
        return {"loss": loss.detach(), "divergence": surprise.detach(), "psnr": quality, "gradient": norm}

    @torch.no_grad()
    def encode_mean(self, clips: Tensor) -> Tensor:
        """Posterior means ``[b, 16, f, h, w]`` in float32."""
        with autocast(self.device):
            return self.codec.encode(clips)[0].float()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of latents that are not normalised."""
        with autocast(self.device):
            return self.codec.decode(latents).float().clamp(-1, 1)

    def measure_latents(self, pool: HasShots, shots: int, batch: int = 8) -> tuple[list[float], list[float]]:
        """Mean and standard deviation per latent channel over whole shots."""
        parts = []
        for first in range(0, min(shots, len(pool)), batch):
            chosen = list(range(first, min(first + batch, len(pool))))
            parts.append(self.encode_mean(pool.shots(chosen)).transpose(0, 1).flatten(1).double())
        latents = torch.cat(parts, dim=1)
        std = latents.std(dim=1)
        std = torch.maximum(std, STD_FLOOR * std.mean())
        return latents.mean(dim=1).tolist(), std.tolist()

    def evaluate(self, shots: Tensor, batch: int = 4) -> tuple[float, Tensor]:
        """PSNR and reconstructions of whole held-out shots ``[n, 3, 81, H, W]``."""
        parts = [self.decode(self.encode_mean(part)) for part in shots.split(batch)]
        pixels = torch.cat(parts)
        return float(psnr(pixels, shots)), pixels
