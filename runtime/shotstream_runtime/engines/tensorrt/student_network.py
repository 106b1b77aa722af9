# SPDX-License-Identifier: Apache-2.0
"""The student as a TensorRT network: the three passes over the dual cache, in one definition.

The mathematics is that of `model.student`; what differs is what can be prepared. The modulation of a time
comes ready made (all frames of a pass have the same time), and so do the keys and values of the captions. The
scale of attention scores is part of the weight of the query's norm, since TensorRT's attention has no scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from . import student_tensors as names
from .constants import Constants
from .layers import Layers
from .linear import Linear
from .student_tensors import StudentTensors

_SHIFT_A, _SCALE_A, _GATE_A, _SHIFT_F, _SCALE_F, _GATE_F = range(6)


class StudentNetwork:
    """Defines the student's passes on a network.

    Args:
        trt: The product's Python API.
        network: An empty network.
        constants: Keeps what the network points into; has to live until the network is built.
        tensors: The border of the network: dimensions and precision.
        weights: The student's weights, by their names in `Student`.
        linear: Defines its matrix products.
    """

    def __init__(
        self,
        trt: Any,
        network: Any,
        constants: Constants,
        tensors: StudentTensors,
        weights: Mapping[str, Tensor],
        linear: Linear,
    ) -> None:
        self._layers = Layers(trt, network, constants)
        self._tensors = tensors
        self._config = tensors.config
        self._compute = tensors.precision.dtype
        self._weights = weights
        self._linear = linear
        self._inputs: dict[str, Any] = {}

    def define(self) -> None:
        """Adds every layer, from the declared inputs to the marked outputs."""
        layers = self._layers
        for name, tensor in self._tensors.inputs().items():
            self._inputs[name] = layers.input(name, tensor.dtype, tensor.shape)
        embedding = self._weights["patch_embedding.weight"].flatten(1)
        x = self._linear.plain(
            layers, self._inputs[names.PATCHES], embedding, self._weights["patch_embedding.bias"], "patches"
        )
        shape = layers.shape(x)
        for layer in range(self._config.num_layers):
            x = self._block(x, layer, shape)
        head = self._inputs[names.HEAD_MODULATION]
        shift, scale = (layers.part(head, (0, row, 0), (1, 1, self._config.dim)) for row in range(2))
        x = layers.cast(layers.layer_norm(x, scale, shift, self._config.eps), self._compute)
        flow = self._linear.plain(
            layers, x, self._weights["head.head.weight"], self._weights["head.head.bias"], "head"
        )
        layers.output(flow, names.FLOW)

    def _block(self, x: Any, layer: int, shape: Any) -> Any:
        """One transformer block on ``[g, t, dim]``."""
        layers, eps = self._layers, self._config.eps
        rows = [
            layers.part(self._inputs[names.MODULATION], (layer, row, 0), (1, 1, self._config.dim))
            for row in range(6)
        ]
        normed = layers.cast(layers.layer_norm(x, rows[_SCALE_A], rows[_SHIFT_A], eps), self._compute)
        attended = self._self_attention(normed, layer, shape)
        x = self._gated(x, attended, rows[_GATE_A])
        scale, shift = (
            layers.constant(self._weight(layer, f"norm3.{part}").float().view(1, 1, -1))
            for part in ("weight", "bias")
        )
        normed = layers.cast(layers.layer_norm(x, scale, shift, eps), self._compute)
        x = layers.add(x, self._cross_attention(normed, layer))
        normed = layers.cast(layers.layer_norm(x, rows[_SCALE_F], rows[_SHIFT_F], eps), self._compute)
        hidden = layers.gelu(self._project(normed, layer, "ffn.0"))
        return self._gated(x, self._project(hidden, layer, "ffn.2"), rows[_GATE_F])

    def _self_attention(self, x: Any, layer: int, shape: Any) -> Any:
        layers, config = self._layers, self._config
        # One product for all three: one quantised input, one kernel.
        joined = self._project(x, layer, "self_attn.qkv", ("self_attn.q", "self_attn.k", "self_attn.v"))
        query, keys, values = (layers.part(joined, (0, 0, i * config.dim), shape) for i in range(3))
        query = self._rotated(self._normed(query, layer, "self_attn.norm_q", self._query_scale))
        keys = self._rotated(self._normed(keys, layer, "self_attn.norm_k"))
        values = self._heads_of_pass(values)
        keys = self._store(names.cached_keys(layer), layers.cast(keys, self._compute))
        values = self._store(names.cached_values(layer), values)
        out = layers.attention(
            layers.cast(query, self._compute),
            keys,
            values,
            f"blocks.{layer}.self_attn",
            self._inputs[names.KEY_LENGTH],
        )
        merged = layers.reshape_like(layers.transpose(out, (0, 2, 1, 3)), shape)
        return self._project(merged, layer, "self_attn.o")

    def _cross_attention(self, x: Any, layer: int) -> Any:
        layers, config = self._layers, self._config
        query = self._normed(
            self._project(x, layer, "cross_attn.q"), layer, "cross_attn.norm_q", self._query_scale
        )
        query = layers.reshape(layers.cast(query, self._compute), (0, 0, config.num_heads, config.head_dim))
        out = layers.attention(
            layers.transpose(query, (0, 2, 1, 3)),
            self._inputs[names.caption_keys(layer)],
            self._inputs[names.caption_values(layer)],
            f"blocks.{layer}.cross_attn",
        )
        merged = layers.reshape(layers.transpose(out, (0, 2, 1, 3)), (0, 0, config.dim))
        return self._project(merged, layer, "cross_attn.o")

    @property
    def _query_scale(self) -> float:
        return 1.0 / math.sqrt(self._config.head_dim)

    def _normed(self, x: Any, layer: int, name: str, scale: float = 1.0) -> Any:
        """Queries or keys normalised over all heads jointly; float32."""
        weight = self._weight(layer, f"{name}.weight").float() * scale
        return self._layers.rms_norm(x, weight, self._config.eps)

    def _heads_of_pass(self, x: Any) -> Any:
        """``[g, t, dim]`` to ``[1, heads, g x t, head_dim]``: groups matter to captions alone."""
        split = self._layers.reshape(x, (1, -1, self._config.num_heads, self._config.head_dim))
        return self._layers.transpose(split, (0, 2, 1, 3))

    def _rotated(self, x: Any) -> Any:
        """Split into heads and rotated, in float32 as the tables are."""
        return self._layers.rotate(self._heads_of_pass(x), self._inputs[names.COS], self._inputs[names.SIN])

    def _store(self, name: str, new: Any) -> Any:
        """Writes a pass's keys or values into their slots, in place; the cache with them."""
        network, mode = self._layers.network, self._layers.trt.KVCacheMode.LINEAR
        layer = network.add_kv_cache_update(self._inputs[name], new, self._inputs[names.WRITE_SLOT], mode)
        cache = self._layers.only_output(layer, f"store {name}")
        self._layers.output(cache, names.stored(name))
        return cache

    def _gated(self, x: Any, change: Any, gate: Any) -> Any:
        """``x + change x gate``, in float32, rounded once."""
        layers = self._layers
        wide = layers.multiply(layers.cast(change, torch.float32), gate)
        return layers.cast(layers.add(layers.cast(x, torch.float32), wide), self._compute)

    def _project(self, x: Any, layer: int, name: str, parts: tuple[str, ...] = ()) -> Any:
        """A matrix product with bias; with `parts`, of several that read the same, one after another."""
        parts = parts or (name,)
        weight = torch.cat([self._weight(layer, f"{part}.weight") for part in parts])
        bias = torch.cat([self._weight(layer, f"{part}.bias") for part in parts])
        return self._linear.of_block(self._layers, x, weight, bias, f"blocks.{layer}.{name}")

    def _weight(self, layer: int, name: str) -> Tensor:
        return self._weights[f"blocks.{layer}.{name}"]
