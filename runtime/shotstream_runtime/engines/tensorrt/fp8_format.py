# SPDX-License-Identifier: Apache-2.0
"""8 bit floating point (E4M3): matrix products, attention and the cache.

Activations have one scale for each tensor, which a calibration has measured; weights have one for each output
channel, from the weights themselves. TensorRT's in-place cache update knows no 8 bit type, so a pass attends
to ``[its own | the cache]``, and where it stores is an output that the caller binds to the cache's slots.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .activation_ranges import ActivationRanges
from .layers import HEADS_FIRST, Layers
from .plain_format import PlainFormat

FP8_MAX = 448.0
"""Largest number of E4M3."""


class Fp8Format:
    """See `NumberFormat`. The cache is ``[1, slots, heads, head_dim]``, so that a span of slots is one piece.

    Args:
        dtype: Type of everything that is not 8 bit.
        ranges: Largest magnitudes of the activations.
    """

    def __init__(self, dtype: torch.dtype, ranges: ActivationRanges) -> None:
        self._dtype = dtype
        self._ranges = ranges
        self._plain = PlainFormat(dtype)

    def border_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `NumberFormat.border_product`."""
        return self._plain.border_product(layers, x, weight, bias, name)

    def block_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `NumberFormat.block_product`."""
        values, scales = quantised_rows(weight)
        matrix = layers.dequantise(
            layers.constant(values[None]), layers.constant(scales), self._dtype, axis=1
        )
        product = layers.matrix_product(self._rounded(layers, x, name), matrix, name)
        return layers.add(product, layers.row(bias, self._dtype))

    def store(self, layers: Layers, cache: Any, new: Any, slot: Any, name: str) -> tuple[Any, Any]:
        """See `NumberFormat.store`."""
        del slot
        scale = self._scale(layers, name)
        narrow = layers.quantise(layers.cast(new, self._dtype), scale, name)
        joined = layers.transpose(layers.concatenate((narrow, cache), axis=1), HEADS_FIRST)
        return layers.dequantise(joined, scale, self._dtype), narrow

    def attend(
        self, layers: Layers, query: Any, keys: Any, values: Any, name: str, length: Any = None
    ) -> Any:
        """See `NumberFormat.attend`."""
        narrow = self._rounded(layers, layers.cast(query, self._dtype), f"{name}.query")
        # Softmax gives at most 1.
        weights_scale = layers.constant(torch.tensor(1.0 / FP8_MAX))
        return layers.attention(narrow, keys, values, name, length, weights_scale)

    def attend_captions(self, layers: Layers, query: Any, keys: Any, values: Any, name: str) -> Any:
        """See `NumberFormat.attend_captions`."""
        keys = self._rounded(layers, keys, f"{name}.keys")
        values = self._rounded(layers, values, f"{name}.values")
        return self.attend(layers, query, keys, values, name)

    def _rounded(self, layers: Layers, x: Any, name: str) -> Any:
        """Through 8 bit and back, which TensorRT takes into the kernel that reads it."""
        scale = self._scale(layers, name)
        return layers.dequantise(layers.quantise(x, scale, name), scale, self._dtype)

    def _scale(self, layers: Layers, name: str) -> Any:
        return layers.constant(torch.tensor(self._ranges.of(name) / FP8_MAX))


def quantised_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix ``[out, in]`` in 8 bit, with a scale for each row, ``[out]`` float32."""
    wide = weight.float()
    scales = wide.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny) / FP8_MAX
    return (wide / scales[:, None]).clamp(-FP8_MAX, FP8_MAX).to(torch.float8_e4m3fn), scales
