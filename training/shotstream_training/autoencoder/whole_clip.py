# SPDX-License-Identifier: Apache-2.0
"""Whole clips through `diffusers.AutoencoderKLWan` in one pass, differentiable.

The library walks a clip latent by latent with carried state: right for a stream, but a training step then
launches its small kernels once per latent. Here the same layers see the whole clip at once. What the carried
state amounts to, on a whole clip:

* a causal convolution pads with zeros in front, as the first step of a stream does;
* temporal down-sampling leaves frame 0 alone and takes frames (0, 1, 2), (2, 3, 4), ... for the others;
* temporal up-sampling leaves latent 0 alone and starts a causal convolution, padded with zeros, at latent 1.

A test holds both paths together.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanAttentionBlock,
    WanResample,
    WanResidualBlock,
    WanRMS_norm,
    patchify,
    unpatchify,
)
from torch import Tensor, nn


class WholeClipCodec:
    """Encodes and decodes whole clips with the modules of one autoencoder, which it shares.

    Args:
        vae: The autoencoder; ``is_residual`` variants have other blocks and are refused.

    Raises:
        ValueError: If the autoencoder is of the residual kind (Wan 2.2).
    """

    def __init__(self, vae: AutoencoderKLWan) -> None:
        if vae.config.is_residual:
            raise ValueError("is_residual=True: whole-clip passes know the Wan 2.1 blocks only")
        self.vae = vae

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log-variance, not normalised.

        Args:
            pixels: ``[b, 3, 1 + 4k, H, W]`` in [-1, 1].

        Returns:
            Two tensors ``[b, z, 1 + k, h, w]``.

        Raises:
            ValueError: If the number of frames is not 1 + 4k (the library would drop the rest silently).
        """
        if (pixels.shape[2] - 1) % 4:
            raise ValueError(f"pixels has {pixels.shape[2]} frames; expected 1 + 4k")
        if self.vae.config.patch_size is not None:
            pixels = patchify(pixels, self.vae.config.patch_size)
        encoder = self.vae.encoder
        x = _run_side(encoder, pixels, encoder.down_blocks, mid_first=False)
        mean, log_variance = self.vae.quant_conv(x).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-30.0, 20.0)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels, not clipped.

        Args:
            latents: ``[b, z, 1 + k, h, w]``, not normalised.

        Returns:
            ``[b, 3, 1 + 4k, H, W]``.
        """
        decoder = self.vae.decoder
        x = _run_side(decoder, self.vae.post_quant_conv(latents), decoder.up_blocks, mid_first=True)
        x = x.float()
        if self.vae.config.patch_size is not None:
            x = unpatchify(x, self.vae.config.patch_size)
        return x


def _run_side(side: Any, x: Tensor, blocks: nn.ModuleList, *, mid_first: bool) -> Tensor:
    """Encoder or decoder: they differ in where the middle block sits."""
    x = side.conv_in(x)
    if mid_first:
        x = _middle(side.mid_block, x)
    for block in blocks:
        x = _layer(block, x)
    if not mid_first:
        x = _middle(side.mid_block, x)
    out: Tensor = side.conv_out(F.silu(_norm(side.norm_out, x)))
    return out


def _middle(middle: Any, x: Tensor) -> Tensor:
    x = _residual(middle.resnets[0], x)
    for attention, residual in zip(middle.attentions, middle.resnets[1:], strict=True):
        x = _residual(residual, _attention(attention, x))
    return x


def _layer(block: Any, x: Tensor) -> Tensor:
    if isinstance(block, WanResidualBlock):
        return _residual(block, x)
    if isinstance(block, WanAttentionBlock):
        return _attention(block, x)
    if isinstance(block, WanResample):
        return _resample(block, x)
    for residual in block.resnets:
        x = _residual(residual, x)
    for upsampler in block.upsamplers or ():
        x = _resample(upsampler, x)
    return x


def _norm(norm: WanRMS_norm, x: Tensor) -> Tensor:
    # rsqrt of the mean square in one reduction; 16-bit inputs keep their type but are summed in float32.
    inverse = torch.rsqrt(x.float().square().mean(dim=1, keepdim=True).clamp_min(1e-24)).to(x.dtype)
    scaled: Tensor = x * inverse * norm.gamma.to(x.dtype)
    return scaled


def _residual(block: WanResidualBlock, x: Tensor) -> Tensor:
    inner = block.conv1(F.silu(_norm(block.norm1, x)))
    out: Tensor = block.conv2(F.silu(_norm(block.norm2, inner))) + block.conv_shortcut(x)
    return out


def _attention(block: WanAttentionBlock, x: Tensor) -> Tensor:
    batch, channels, frames, height, width = x.shape
    flat = x.transpose(1, 2).flatten(0, 1)
    qkv = block.to_qkv(_norm(block.norm, flat)).flatten(2).transpose(1, 2)
    query, key, value = qkv.chunk(3, dim=-1)
    out = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
    seen: Tensor = block.proj(out.transpose(1, 2).reshape(batch * frames, channels, height, width))
    moved: Tensor = seen.unflatten(0, (batch, frames)).transpose(1, 2)
    return x + moved


def _resample(block: WanResample, x: Tensor) -> Tensor:
    if block.mode == "upsample3d" and x.shape[2] > 1:
        later = block.time_conv(x[:, :, 1:])
        batch, _, frames, height, width = later.shape
        # Channels hold (which of the two frames, channel); the two frames follow one another.
        later = later.view(batch, 2, -1, frames, height, width).permute(0, 2, 3, 1, 4, 5)
        x = torch.cat((x[:, :, :1], later.reshape(batch, -1, 2 * frames, height, width)), dim=2)
    batch, _, frames = x.shape[:3]
    x = block.resample(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (batch, frames)).transpose(1, 2)
    if block.mode == "downsample3d" and x.shape[2] > 1:
        x = torch.cat((x[:, :, :1], block.time_conv(x)), dim=2)
    return x
