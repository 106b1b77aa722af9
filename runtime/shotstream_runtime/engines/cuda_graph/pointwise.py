# SPDX-License-Identifier: Apache-2.0
"""What lies between matrix products and attention, cut so that a compiler makes one kernel of each.

Written out as separate torch operations these move 700 GB per chunk at the published size, fused a few tens.
Every function takes and gives whole tensors; none branches on a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from shotstream_runtime.model.linear_storage import rounded_rows

_SHAPES_PER_PROCESS = 64


def modulated_norm(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """``layer_norm(x) scale + shift``; ``scale`` has the one added already."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=eps), scale)


def rotate_and_store(
    qkv: Tensor,
    norm_q: Tensor,
    norm_k: Tensor,
    cos: Tensor,
    sin: Tensor,
    key_slot: Tensor,
    value_slot: Tensor,
    eps: float,
) -> Tensor:
    """Normalises and rotates queries and keys; writes keys and values where the cache keeps them.

    Args:
        qkv: ``[b, n, 3 dim]``.
        norm_q: Weight of the queries' norm ``[dim]``.
        norm_k: Weight of the keys' norm.
        cos: ``[1, n, 1, head_dim / 2]``.
        sin: Same shape.
        key_slot: ``[b, n, heads, head_dim]``, a view of the cache; overwritten.
        value_slot: Same shape; overwritten.
        eps: Of the norms.

    Returns:
        The queries ``[b, n, heads, head_dim]``.
    """
    heads = key_slot.shape[2]
    query, keys, values = qkv.chunk(3, dim=-1)
    width = query.shape[-1:]
    query = _rotate(F.rms_norm(query, width, norm_q, eps).unflatten(-1, (heads, -1)), cos, sin)
    key_slot.copy_(_rotate(F.rms_norm(keys, width, norm_k, eps).unflatten(-1, (heads, -1)), cos, sin))
    value_slot.copy_(values.unflatten(-1, (heads, -1)))
    return query


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    rotated: Tensor = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)
    return rotated.to(x.dtype)


def normed_query(projected: Tensor, norm: Tensor, heads: int, eps: float) -> Tensor:
    """Queries ``[b, n, dim]`` of the cross-attention, normalised, as ``[b, n, heads, head_dim]``."""
    query: Tensor = F.rms_norm(projected, projected.shape[-1:], norm, eps).unflatten(-1, (heads, -1))
    return query


def gated_residual_affine_norm(
    x: Tensor, update: Tensor, gate: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """``x + update gate``, and its layer norm with weight and bias."""
    x = torch.addcmul(x, update, gate)
    return x, F.layer_norm(x, x.shape[-1:], weight, bias, eps)


def residual_modulated_norm(
    x: Tensor, update: Tensor, shift: Tensor, scale: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """``x + update``, and its modulated norm."""
    x = x + update
    return x, modulated_norm(x, shift, scale, eps)


def gated_residual_modulated_norm(
    x: Tensor, update: Tensor, gate: Tensor, shift: Tensor, scale: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """``x + update gate``, and its modulated norm: the end of one block and the beginning of the next."""
    x = torch.addcmul(x, update, gate)
    return x, modulated_norm(x, shift, scale, eps)


def gelu(x: Tensor) -> Tensor:
    """The tanh form."""
    return F.gelu(x, approximate="tanh")


@dataclass(frozen=True, slots=True)
class Pointwise:
    """These functions, plain or compiled."""

    modulated_norm: Callable[..., Tensor] = modulated_norm
    rotate_and_store: Callable[..., Tensor] = rotate_and_store
    normed_query: Callable[..., Tensor] = normed_query
    gated_residual_affine_norm: Callable[..., tuple[Tensor, Tensor]] = gated_residual_affine_norm
    residual_modulated_norm: Callable[..., tuple[Tensor, Tensor]] = residual_modulated_norm
    gated_residual_modulated_norm: Callable[..., tuple[Tensor, Tensor]] = gated_residual_modulated_norm
    gelu: Callable[..., Tensor] = gelu
    rounded_rows: Callable[..., tuple[Tensor, Tensor]] = rounded_rows

    @classmethod
    def compiled(cls) -> Pointwise:
        """Compiled for static shapes; each is compiled at its first use with a shape."""
        # A limit for functions that never settle. These meet a few shapes for each model of the process.
        dynamo: Any = torch._dynamo.config
        dynamo.recompile_limit = max(dynamo.recompile_limit, _SHAPES_PER_PROCESS)

        def made(function: Callable[..., Any]) -> Callable[..., Any]:
            compiled: Callable[..., Any] = torch.compile(function, dynamic=False, fullgraph=True)
            return compiled

        return cls(*(made(getattr(cls(), name)) for name in cls.__slots__))
