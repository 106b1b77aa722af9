# SPDX-License-Identifier: Apache-2.0
"""4 bit floating point (E2M1) in blocks of 16 for the matrix products; attention and cache are 8 bit.

A block's scale is itself an 8 bit number, with one float32 scale above all of them. Weights are scaled here;
activations are scaled block by block while the network runs, under the range that a calibration has measured.
Only Blackwell's tensor cores know the format.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .fp8_format import FP8_MAX, Fp8Format
from .layers import Layers

FP4_MAX = 6.0
"""Largest number of E2M1."""

BLOCK = 16
"""Numbers that share a scale."""

_MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Numbers of E2M1 without their sign, in the order of their codes."""


class Nvfp4Format(Fp8Format):
    """See `NumberFormat`; all but the products of the blocks is as in 8 bit.

    Args:
        dtype: Type of everything that is not quantised.
        ranges: Largest magnitudes of the activations.
    """

    def block_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `NumberFormat.block_product`."""
        codes, scales, above = quantised_blocks(weight)
        matrix = layers.dequantise_blocks(
            layers.packed_constant(codes[None], weight.shape[1]),
            layers.constant(scales[None]),
            layers.constant(above),
            self._dtype,
        )
        range_scale = layers.constant(torch.tensor(self._ranges.of(name) / (FP8_MAX * FP4_MAX)))
        narrow, block_scales = layers.quantise_blocks(x, range_scale, BLOCK, name)
        rounded = layers.dequantise_blocks(narrow, block_scales, range_scale, self._dtype)
        product = layers.matrix_product(rounded, matrix, name)
        return layers.add(product, layers.row(bias, self._dtype))


def quantised_blocks(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A matrix ``[out, in]`` in 4 bit.

    Args:
        weight: The matrix; ``in`` is a multiple of 16.

    Returns:
        Codes, two in a byte, ``[out, in / 2]``; scales of the blocks ``[out, in / 16]`` in 8 bit; and the one
        scale above them, float32.
    """
    blocks = weight.float().unflatten(1, (-1, BLOCK))
    largest = blocks.abs().amax(dim=-1)
    above = largest.max().clamp_min(torch.finfo(torch.float32).tiny) / (FP8_MAX * FP4_MAX)
    scales = (largest / FP4_MAX / above).clamp(max=FP8_MAX).to(torch.float8_e4m3fn)
    unit = (scales.float() * above)[..., None]
    scaled = torch.where(unit > 0, blocks / unit, 0.0).clamp(-FP4_MAX, FP4_MAX)
    magnitudes = torch.tensor(_MAGNITUDES, device=weight.device)
    # Halfway between two numbers: to nearest; ties do not occur in trained weights often enough to matter.
    code = torch.bucketize(scaled.abs(), (magnitudes[1:] + magnitudes[:-1]) / 2)
    code = (code + 8 * (scaled < 0)).to(torch.uint8).flatten(1)
    # The first of two numbers is the lower half of the byte.
    return code[:, 0::2] | (code[:, 1::2] << 4), scales, above
