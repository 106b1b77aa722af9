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
from .layers import HEADS_FIRST, Layers
from .number_format import NumberFormat
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
        numbers: Adds what depends on the precision.
    """

    def __init__(
        self,
        trt: Any,
        network: Any,
        constants: Constants,
        tensors: StudentTensors,
        weights: Mapping[str, Tensor],
        numbers: NumberFormat,
    ) -> None:
        self._layers = Layers(trt, network, constants)
        self._tensors = tensors
        self._config = tensors.config
        self._compute = tensors.precision.dtype
        self._weights = weights
        self._numbers = numbers
        self._inputs: dict[str, Any] = {}

    def define(self) -> None:
        """Adds every layer, from the declared inputs to the marked outputs."""
        layers = self._layers
        for name, tensor in self._tensors.inputs().items():
            self._inputs[name] = layers.input(name, tensor.dtype, tensor.shape)
        embedding = self._weights["patch_embedding.weight"].flatten(1)
        x = self._numbers.border_product(
            layers, self._inputs[names.PATCHES], embedding, self._weights["patch_embedding.bias"], "patches"
        )
        shape = layers.shape(x)
        for layer in range(self._config.num_layers):
            x = self._block(x, layer, shape)
        head = self._inputs[names.HEAD_MODULATION]
        shift, scale = (layers.part(head, (0, row, 0), (1, 1, self._config.dim)) for row in range(2))
        x = layers.cast(layers.layer_norm(x, scale, shift, self._config.eps), self._compute)
        flow = self._numbers.border_product(
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
        layers, config, name = self._layers, self._config, f"blocks.{layer}.self_attn"
        # One product for all three: one quantised input, one kernel.
        joined = self._project(x, layer, "self_attn.qkv", ("self_attn.q", "self_attn.k", "self_attn.v"))
        query, keys, values = (layers.part(joined, (0, 0, i * config.dim), shape) for i in range(3))
        query = self._rotated(self._normed(query, layer, "self_attn.norm_q", self._query_scale))
        keys = self._rotated(self._normed(keys, layer, "self_attn.norm_k"))
        out = self._numbers.attend(
            layers,
            query,
            self._store(names.cached_keys(layer), self._tokens_first(keys), f"{name}.keys"),
            self._store(names.cached_values(layer), self._split(values), f"{name}.values"),
            name,
            self._inputs[names.KEY_LENGTH],
        )
        merged = layers.reshape_like(layers.transpose(out, HEADS_FIRST), shape)
        return self._project(merged, layer, "self_attn.o")

    def _cross_attention(self, x: Any, layer: int) -> Any:
        layers, config = self._layers, self._config
        query = self._normed(
            self._project(x, layer, "cross_attn.q"), layer, "cross_attn.norm_q", self._query_scale
        )
        query = layers.reshape(query, (0, 0, config.num_heads, config.head_dim))
        out = self._numbers.attend_captions(
            layers,
            layers.transpose(query, HEADS_FIRST),
            self._inputs[names.caption_keys(layer)],
            self._inputs[names.caption_values(layer)],
            f"blocks.{layer}.cross_attn",
        )
        merged = layers.reshape(layers.transpose(out, HEADS_FIRST), (0, 0, config.dim))
        return self._project(merged, layer, "cross_attn.o")

    @property
    def _query_scale(self) -> float:
        return 1.0 / math.sqrt(self._config.head_dim)

    def _normed(self, x: Any, layer: int, name: str, scale: float = 1.0) -> Any:
        """Queries or keys normalised over all heads jointly; float32."""
        weight = self._weight(layer, f"{name}.weight").float() * scale
        return self._layers.rms_norm(x, weight, self._config.eps)

    def _split(self, x: Any) -> Any:
        """``[g, t, dim]`` to ``[1, g x t, heads, head_dim]``: groups matter to captions alone."""
        return self._layers.reshape(x, (1, -1, self._config.num_heads, self._config.head_dim))

    def _rotated(self, x: Any) -> Any:
        """``[g, t, dim]`` split into heads and rotated, ``[1, heads, g x t, head_dim]`` float32."""
        heads = self._layers.transpose(self._split(x), HEADS_FIRST)
        return self._layers.rotate(heads, self._inputs[names.COS], self._inputs[names.SIN])

    def _tokens_first(self, x: Any) -> Any:
        return self._layers.transpose(x, HEADS_FIRST)

    def _store(self, name: str, new: Any, place: str) -> Any:
        """Stores a pass's keys or values ``[1, n, heads, head_dim]``; what attention reads."""
        slot = self._inputs.get(names.WRITE_SLOT)
        seen, written = self._numbers.store(self._layers, self._inputs[name], new, slot, place)
        self._layers.output(written, names.stored(name))
        return seen

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
        return self._numbers.block_product(self._layers, x, weight, bias, f"blocks.{layer}.{name}")

    def _weight(self, layer: int, name: str) -> Tensor:
        return self._weights[f"blocks.{layer}.{name}"]
