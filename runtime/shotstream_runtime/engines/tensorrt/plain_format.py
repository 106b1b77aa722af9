# SPDX-License-Identifier: Apache-2.0
"""One floating point type for everything that is multiplied; the cache is written in place."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .layers import HEADS_FIRST, Layers


class PlainFormat:
    """See `NumberFormat`. The cache is ``[1, heads, slots, head_dim]``.

    Args:
        dtype: The type.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype

    def border_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `NumberFormat.border_product`."""
        matrix = layers.constant(weight.to(self._dtype)[None])
        return layers.add(layers.matrix_product(x, matrix, name), layers.row(bias, self._dtype))

    def block_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `NumberFormat.block_product`."""
        return self.border_product(layers, x, weight, bias, name)

    def store(self, layers: Layers, cache: Any, new: Any, slot: Any, name: str) -> tuple[Any, Any]:
        """See `NumberFormat.store`: one tensor is both."""
        update = layers.transpose(layers.cast(new, self._dtype), HEADS_FIRST)
        written = layers.write_in_place(cache, update, slot, name)
        return written, written

    def attend(
        self, layers: Layers, query: Any, keys: Any, values: Any, name: str, length: Any = None
    ) -> Any:
        """See `NumberFormat.attend`."""
        return layers.attention(layers.cast(query, self._dtype), keys, values, name, length)

    def attend_captions(self, layers: Layers, query: Any, keys: Any, values: Any, name: str) -> Any:
        """See `NumberFormat.attend_captions`."""
        return self.attend(layers, query, keys, values, name)
