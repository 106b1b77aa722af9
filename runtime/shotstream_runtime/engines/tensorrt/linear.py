# SPDX-License-Identifier: Apache-2.0
"""Matrix products with bias, in the number format that was chosen."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from .layers import Layers


class Linear(Protocol):
    """Defines matrix products on ``[g, t, in]`` with weights ``[out, in]`` and a bias ``[out]``."""

    def plain(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """A product that is never quantised: at the borders of the network, where errors show."""
        ...

    def of_block(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """A product inside a block."""
        ...


class PlainLinear:
    """Products in one floating point type."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype

    def plain(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `Linear.plain`."""
        matrix = layers.constant(weight.to(self._dtype)[None])
        return self._with_bias(layers, layers.matrix_product(x, matrix, name), bias)

    def of_block(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """See `Linear.of_block`."""
        return self.plain(layers, x, weight, bias, name)

    def _with_bias(self, layers: Layers, product: Any, bias: Tensor) -> Any:
        return layers.add(product, layers.constant(bias.to(self._dtype).view(1, 1, -1)))
