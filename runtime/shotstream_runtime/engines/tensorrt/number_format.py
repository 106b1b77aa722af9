# SPDX-License-Identifier: Apache-2.0
"""What a number format decides in a network: its matrix products, its cache, what attention reads."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from .layers import Layers


class NumberFormat(Protocol):
    """Adds the layers that depend on the precision."""

    def border_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """A product at the border of the network, where errors show: never quantised.

        Args:
            layers: The network.
            x: ``[g, t, in]``.
            weight: ``[out, in]``.
            bias: ``[out]``.
            name: For the build log, and to find the scale by.
        """
        ...

    def block_product(self, layers: Layers, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """A product inside a block; arguments as `border_product`."""
        ...

    def store(self, layers: Layers, cache: Any, new: Any, slot: Any, name: str) -> tuple[Any, Any]:
        """Puts a pass's keys or values where later passes find them.

        Args:
            layers: The network.
            cache: The cache, an input of the network.
            new: ``[1, n, heads, head_dim]``.
            slot: First token slot to write, ``[1]``; none where the format has no use for it.
            name: For the build log, and to find the scale by.

        Returns:
            What attention reads, ``[1, heads, m, head_dim]``, and the output of the network that stores it.
        """
        ...

    def attend(
        self, layers: Layers, query: Any, keys: Any, values: Any, name: str, length: Any = None
    ) -> Any:
        """Attention over what `store` gave.

        Args:
            layers: The network.
            query: ``[b, heads, n, head_dim]``, scaled.
            keys: ``[b, heads, m, head_dim]``.
            values: Same shape.
            name: For the build log, and to find the scales by.
            length: Leading keys attended to, ``[b]``; none: all.
        """
        ...

    def attend_captions(self, layers: Layers, query: Any, keys: Any, values: Any, name: str) -> Any:
        """Attention over keys and values as captions have them; arguments as `attend`."""
        ...
