# SPDX-License-Identifier: Apache-2.0
"""The student: a causal Wan-style diffusion transformer, one latent chunk per pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shotstream_runtime.model.attention import (
    CacheAccess,
    CaptionKeys,
    CaptionRun,
    CrossAttention,
    RoutedCaptions,
    SelfAttention,
)
from shotstream_runtime.model.config import StudentConfig
from shotstream_runtime.model.patches import from_patches, to_patches
from shotstream_runtime.model.rope import RotaryEmbedding, RotaryTable


@dataclass(frozen=True, slots=True)
class TimeModulation:
    """What a time does to every layer; constant per time, so passes at the same time can share it.

    Attributes:
        embed: ``[b or 1, f, dim]``, read by the last layer.
        projection: ``[b or 1, f, 6, dim]``: shift, scale, gate for attention; the same for the feed-forward.
    """

    embed: Tensor
    projection: Tensor


def time_features(times: Tensor, count: int) -> Tensor:
    """Sinusoidal features, cosines first; computed in float64.

    Args:
        times: Any shape, on the 0..1000 scale, never rounded to integers.
        count: Number of features.

    Returns:
        ``[*times.shape, count]`` in float64.
    """
    half = count // 2
    exponents = torch.arange(half, dtype=torch.float64, device=times.device) / half
    angles = times.double()[..., None] * torch.exp(-math.log(10000.0) * exponents)
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


class Block(nn.Module):
    """One transformer block: modulated self-attention, cross-attention, modulated feed-forward."""

    def __init__(self, config: StudentConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.eps = config.eps
        self.self_attn = SelfAttention(config)
        self.cross_attn = CrossAttention(config)
        self.norm3 = nn.LayerNorm(config.dim, eps=config.eps)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn_dim),
            nn.GELU(approximate="tanh"),
            nn.Linear(config.ffn_dim, config.dim),
        )
        self.modulation = nn.Parameter(torch.randn(1, 6, config.dim) / config.dim**0.5)

    def forward(
        self,
        x: Tensor,
        time_projection: Tensor,
        rotary: RotaryTable,
        captions: Sequence[CaptionRun] | RoutedCaptions,
        access: CacheAccess | None,
        mask: Tensor | None,
    ) -> Tensor:
        """Transforms tokens by frame ``[b, f, t, dim]``; see `Student` for the arguments."""
        frames = x.shape[1]
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = self._modulation(x, time_projection)
        normed = torch.addcmul(shift_a, F.layer_norm(x, x.shape[-1:], eps=self.eps), 1 + scale_a)
        attended = self.self_attn(normed.flatten(1, 2), rotary, access, self.layer, mask)
        x = torch.addcmul(x, attended.unflatten(1, (frames, -1)), gate_a)
        if isinstance(captions, RoutedCaptions):
            x = x + self.cross_attn.forward_routed(self.norm3(x), captions)
        else:
            x = x + self.cross_attn(self.norm3(x), captions, self.layer)
        normed = torch.addcmul(shift_f, F.layer_norm(x, x.shape[-1:], eps=self.eps), 1 + scale_f)
        return torch.addcmul(x, self.ffn(normed), gate_f)

    def store_keys(
        self, x: Tensor, time_projection: Tensor, rotary: RotaryTable, access: CacheAccess
    ) -> None:
        """Writes this layer's keys and values and computes nothing else; enough for a pass's last layer."""
        shift, scale = self._modulation(x, time_projection)[:2]
        normed = torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=self.eps), 1 + scale)
        keys, values = self.self_attn.key_value(normed.flatten(1, 2))
        access.cache.store(self.layer, access.span, rotary.rotate(keys), values)

    def _modulation(self, x: Tensor, time_projection: Tensor) -> tuple[Tensor, ...]:
        # Six tensors [b, f, 1, dim]: broadcast over a frame's tokens instead of being repeated for each.
        return (self.modulation + time_projection)[..., None, :].to(x.dtype).unbind(2)


class Head(nn.Module):
    """The last layer: modulated norm and a linear map to the numbers of a patch."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.head = nn.Linear(config.dim, config.patch_numbers)
        self.modulation = nn.Parameter(torch.randn(1, 2, config.dim) / config.dim**0.5)

    def forward(self, x: Tensor, time_embed: Tensor) -> Tensor:
        """Maps ``[b, f, t, dim]`` to ``[b, f, t, numbers of a patch]``."""
        shift, scale = (self.modulation + time_embed[..., None, :])[..., None, :].to(x.dtype).unbind(2)
        out: Tensor = self.head(torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=self.eps), 1 + scale))
        return out


class Student(nn.Module):
    """The causal few-step student (paper section 3.2); with `forward_sequence` also the teacher's network.

    Parameter names equal the published ones without their ``model.`` prefix.
    """

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.rotary = RotaryEmbedding(config)
        self.patch_embedding = nn.Conv3d(
            config.in_dim, dim, kernel_size=config.patch_size, stride=config.patch_size
        )
        self.text_embedding = nn.Sequential(
            nn.Linear(config.text_dim, dim), nn.GELU(approximate="tanh"), nn.Linear(dim, dim)
        )
        self.time_embedding = nn.Sequential(nn.Linear(config.freq_dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.num_layers))
        # The same objects, typed.
        self._layers: tuple[Block, ...] = tuple(block for block in self.blocks if isinstance(block, Block))
        self.head = Head(config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.patch_embedding.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.patch_embedding.weight.dtype

    # -- what is prepared once and used by many passes ------------------------------------------------

    def embed_captions(self, embeds: Tensor) -> CaptionKeys:
        """Cross-attention keys and values of captions; constant per caption.

        Args:
            embeds: Text features ``[b, text_len, text_dim]``; trailing rows of a short caption are zero and
                take part all the same.

        Raises:
            ValueError: If the features do not have the student's text shape.
        """
        if embeds.ndim != 3 or embeds.shape[1:] != (self.config.text_len, self.config.text_dim):
            raise ValueError(
                f"embeds has shape {tuple(embeds.shape)}; expected "
                f"[b, {self.config.text_len}, {self.config.text_dim}]"
            )
        text = self.text_embedding(embeds)
        return CaptionKeys(tuple(block.cross_attn.key_value(text) for block in self._layers))

    def modulate(self, times: Tensor) -> TimeModulation:
        """Modulation of all layers at given times.

        Args:
            times: ``[f]`` or ``[b, f]`` on the 0..1000 scale.
        """
        times = torch.atleast_2d(times)
        features = time_features(times, self.config.freq_dim).to(self.dtype)
        embed = self.time_embedding(features)
        return TimeModulation(
            embed=embed, projection=self.time_projection(embed).unflatten(-1, (6, self.config.dim))
        )

    def rotary_table(self, positions: Tensor, shot_flags: Tensor, height: int, width: int) -> RotaryTable:
        """Rotations of whole latent frames.

        Args:
            positions: Time positions ``[f]`` or ``[b, f]``: 0..5 for condition frames, 6, 7, ... for the
                frames of the current shot.
            shot_flags: Shot flags, same shape.
            height: Latent rows.
            width: Latent columns.
        """
        _, rows, columns = self.config.patch_size
        return self.rotary.table(
            positions,
            shot_flags,
            height // rows,
            width // columns,
            device=self.device,
        )

    # -- passes --------------------------------------------------------------------------------------

    def forward(
        self,
        latents: Tensor,
        modulation: TimeModulation,
        rotary: RotaryTable,
        captions: Sequence[CaptionRun],
        access: CacheAccess,
    ) -> Tensor:
        """One pass over the dual cache: context, denoising or clean, by what the arguments say.

        Args:
            latents: ``[b, f, in_dim, h, w]``.
            modulation: For these frames' times.
            rotary: For these frames' positions and flags.
            captions: Which frames read which caption.
            access: Where the pass writes its keys and values, and how far it reads.

        Returns:
            The flow (noise minus clean) ``[b, f, out_dim, h, w]``.
        """
        x = self.patchify(latents)
        for block in self._layers:
            x = block(x, modulation.projection, rotary, captions, access, None)
        return from_patches(self.head(x, modulation.embed), self.config, latents.shape[-2], latents.shape[-1])

    def fill_cache(
        self,
        latents: Tensor,
        modulation: TimeModulation,
        rotary: RotaryTable,
        captions: Sequence[CaptionRun],
        access: CacheAccess,
    ) -> None:
        """A pass whose only purpose is the cache: the context pass and the clean pass.

        Takes the arguments of `forward`. The last layer's attention and everything after it would be thrown
        away, so they are not computed.
        """
        x = self.patchify(latents)
        *blocks, last = self._layers
        for block in blocks:
            x = block(x, modulation.projection, rotary, captions, access, None)
        last.store_keys(x, modulation.projection, rotary, access)

    def forward_sequence(
        self,
        latents: Tensor,
        times: Tensor,
        embeds: Tensor,
        caption_index: Tensor,
        positions: Tensor,
        shot_flags: Tensor,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """All frames at once and without a cache, for training; differentiable.

        Args:
            latents: ``[b, f, in_dim, h, w]``, condition frames first.
            times: ``[b, f]`` on the 0..1000 scale.
            embeds: Text features ``[b, n, text_len, text_dim]``.
            caption_index: ``[b, f]``, which caption a frame reads; kept apart from the flags, which only
                turn the rotary phase.
            positions: ``[f]`` or ``[b, f]`` time positions.
            shot_flags: ``[b, f]``.
            attention_mask: ``[f, f]``, true where a frame (row) may attend to another; none: all to all.

        Returns:
            The flow ``[b, f, out_dim, h, w]``.
        """
        height, width = latents.shape[-2:]
        x = self.patchify(latents)
        mask = None
        if attention_mask is not None:
            tokens = x.shape[2]
            mask = attention_mask.repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
        modulation = self.modulate(times)
        rotary = self.rotary_table(positions.expand_as(shot_flags), shot_flags, height, width)
        captions = RoutedCaptions(self.text_embedding(embeds), caption_index)
        for block in self._layers:
            x = block(x, modulation.projection, rotary, captions, None, mask)
        return from_patches(self.head(x, modulation.embed), self.config, height, width)

    def patchify(self, latents: Tensor) -> Tensor:
        """``[b, f, c, h, w]`` to tokens by frame ``[b, f, t, dim]``; the convolution as a matrix product."""
        weight = self.patch_embedding.weight
        patches = to_patches(latents, self.config).to(weight.dtype)
        return F.linear(patches, weight.flatten(1), self.patch_embedding.bias)
