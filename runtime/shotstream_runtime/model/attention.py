# SPDX-License-Identifier: Apache-2.0
"""Self-attention over the dual cache and cross-attention to captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shotstream_runtime.model.config import StudentConfig
from shotstream_runtime.model.dual_cache import CacheSpan, DualCache
from shotstream_runtime.model.rope import RotaryTable


@dataclass(frozen=True, slots=True)
class CacheAccess:
    """A dual cache together with the span of one pass.

    Attributes:
        cache: The cache.
        span: Where the pass writes and how far it reads.
        in_place: ``False`` for a pass that carries gradient: its keys join the cached ones by concatenation
            and the cache stays as it is. Only valid where nothing newer lies behind the span (no ring).
    """

    cache: DualCache
    span: CacheSpan
    in_place: bool = True


@dataclass(frozen=True, slots=True, weakref_slot=True)
class CaptionKeys:
    """Cross-attention keys and values of one caption per batch row, for every layer.

    Attributes:
        layers: Per layer a pair of tensors ``[b, text_len, heads, head_dim]``.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]


@dataclass(frozen=True, slots=True)
class CaptionRun:
    """Neighbouring frames of a pass that attend to the same caption.

    Attributes:
        start: First frame of the run within the pass.
        stop: One past its last frame.
        caption: What these frames attend to.
    """

    start: int
    stop: int
    caption: CaptionKeys


@dataclass(frozen=True, slots=True)
class RoutedCaptions:
    """Captions of a training batch, whose rows differ in which frame reads which caption.

    Attributes:
        text: Projected captions ``[b, n, text_len, dim]``.
        index: ``[b, f]``, which of the n captions a frame reads.
    """

    text: Tensor
    index: Tensor


def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax attention, scores scaled by 1/sqrt(head_dim).

    Args:
        query: ``[b, n, heads, head_dim]``.
        keys: ``[b, m, heads, head_dim]``.
        values: Same shape as the keys.
        mask: ``[n, m]``, true where a query may attend to a key.

    Returns:
        ``[b, n, heads x head_dim]``.
    """
    out = F.scaled_dot_product_attention(
        query.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), attn_mask=mask
    )
    joined: Tensor = out.transpose(1, 2).flatten(2)
    return joined


class _Projections(nn.Module):
    """The four projections and the two query/key norms that both attentions share."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.q = nn.Linear(config.dim, config.dim)
        self.k = nn.Linear(config.dim, config.dim)
        self.v = nn.Linear(config.dim, config.dim)
        self.o = nn.Linear(config.dim, config.dim)
        # Over all heads jointly, before the split, as in the published student.
        self.norm_q = nn.RMSNorm(config.dim, eps=config.eps)
        self.norm_k = nn.RMSNorm(config.dim, eps=config.eps)

    def _split(self, x: Tensor) -> Tensor:
        split: Tensor = x.unflatten(-1, (self.heads, -1))
        return split

    def query(self, x: Tensor) -> Tensor:
        """``[..., n, dim]`` to normalised queries ``[..., n, heads, head_dim]``."""
        return self._split(self.norm_q(self.q(x)))

    def key_value(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``[..., n, dim]`` to normalised keys and plain values ``[..., n, heads, head_dim]``."""
        return self._split(self.norm_k(self.k(x))), self._split(self.v(x))


class SelfAttention(_Projections):
    """Self-attention of one pass, over the dual cache or over the pass alone."""

    def forward(
        self,
        x: Tensor,
        rotary: RotaryTable,
        access: CacheAccess | None,
        layer: int,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Attends.

        Args:
            x: Tokens of the pass ``[b, n, dim]``.
            rotary: Their rotations.
            access: The cache to write to and read from; ``None``: the pass attends to itself only.
            layer: Index of this layer in the cache.
            mask: ``[n, m]`` of what may be attended to; none means everything.

        Returns:
            ``[b, n, dim]``.
        """
        query = rotary.rotate(self.query(x))
        keys, values = self.key_value(x)
        keys = rotary.rotate(keys)
        if access is not None:
            if access.in_place:
                keys, values = access.cache.store(layer, access.span, keys, values)
            else:
                earlier_keys, earlier_values = access.cache.preceding(layer, access.span)
                keys = torch.cat((earlier_keys, keys), dim=1)
                values = torch.cat((earlier_values, values), dim=1)
        out: Tensor = self.o(attend(query, keys, values, mask))
        return out


class CrossAttention(_Projections):
    """Cross-attention: every frame reads the caption of its own shot."""

    def forward(self, x: Tensor, runs: Sequence[CaptionRun], layer: int) -> Tensor:
        """Attends, run by run.

        Args:
            x: Tokens by frame ``[b, f, t, dim]``.
            runs: Which frames read which caption; together they cover all frames in order.
            layer: Index of this layer in the captions' keys.

        Returns:
            Same shape as ``x``.
        """
        query = self.query(x)
        parts = []
        for run in runs:
            keys, values = run.caption.layers[layer]
            part = attend(query[:, run.start : run.stop].flatten(1, 2), keys, values)
            parts.append(part.unflatten(1, (run.stop - run.start, -1)))
        out: Tensor = self.o(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
        return out

    def forward_routed(self, x: Tensor, captions: RoutedCaptions) -> Tensor:
        """Attends with a caption index per sample and frame.

        Args:
            x: Tokens by frame ``[b, f, t, dim]``.
            captions: The captions and who reads which.

        Returns:
            Same shape as ``x``.
        """
        keys, values = self.key_value(captions.text)
        rows = torch.arange(x.shape[0], device=x.device)[:, None]
        out = attend(
            self.query(x).flatten(0, 1),
            keys[rows, captions.index].flatten(0, 1),
            values[rows, captions.index].flatten(0, 1),
        )
        routed: Tensor = self.o(out.unflatten(0, x.shape[:2]))
        return routed
