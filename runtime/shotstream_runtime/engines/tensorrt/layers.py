# SPDX-License-Identifier: Apache-2.0
"""The layers a transformer is made of, on TensorRT's network API, which both products share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .constants import Constants, data_type
from .errors import TensorRtError

HEADS_FIRST = (0, 2, 1, 3)
"""Exchanges tokens and heads of ``[b, tokens, heads, head_dim]``."""


class Layers:
    """Adds layers to a network. Tensors that go in and come out are TensorRT's.

    Args:
        trt: The product's Python API.
        network: The network that is defined.
        constants: Keeps what the network points into.
    """

    def __init__(self, trt: Any, network: Any, constants: Constants) -> None:
        self.trt = trt
        self.network = network
        self.constants = constants

    def only_output(self, layer: Any, name: str = "") -> Any:
        """The output of a layer that was just added, named for the build log.

        Raises:
            TensorRtError: TensorRT has refused the layer.
        """
        if layer is None:
            raise TensorRtError(f"TensorRT refused the layer {name!r}; the log of the build says why")
        if name:
            layer.name = name
        return layer.get_output(0)

    def input(self, name: str, dtype: torch.dtype, shape: Sequence[int]) -> Any:
        """Declares an input."""
        return self.network.add_input(name, data_type(self.trt, dtype), tuple(shape))

    def output(self, tensor: Any, name: str) -> None:
        """Marks an output."""
        tensor.name = name
        self.network.mark_output(tensor)

    def constant(self, tensor: Tensor, name: str = "") -> Any:
        """A constant of the tensor's own shape and type."""
        shape = tuple(tensor.shape)
        return self.only_output(self.network.add_constant(shape, self.constants.weights(tensor)), name)

    def row(self, numbers: Tensor, dtype: torch.dtype) -> Any:
        """A constant ``[n]`` as it is added to ``[g, t, n]``."""
        return self.constant(numbers.to(dtype).view(1, 1, -1))

    def cast(self, x: Any, dtype: torch.dtype) -> Any:
        """The same numbers in another type; nothing where it has that type already."""
        kind = data_type(self.trt, dtype)
        return x if x.dtype == kind else self.only_output(self.network.add_cast(x, kind))

    def at_least(self, a: Any, b: Any) -> Any:
        """The larger of two, broadcast."""
        return self._elementwise(a, b, "MAX")

    def add(self, a: Any, b: Any) -> Any:
        """Sum, broadcast."""
        return self._elementwise(a, b, "SUM")

    def multiply(self, a: Any, b: Any) -> Any:
        """Product, broadcast."""
        return self._elementwise(a, b, "PROD")

    def divide(self, a: Any, b: Any) -> Any:
        """Quotient, broadcast."""
        return self._elementwise(a, b, "DIV")

    def _elementwise(self, a: Any, b: Any, operation: str) -> Any:
        kind = getattr(self.trt.ElementWiseOperation, operation)
        return self.only_output(self.network.add_elementwise(a, b, kind))

    def shape(self, x: Any) -> Any:
        """The dimensions of a tensor, as a tensor."""
        return self.only_output(self.network.add_shape(x))

    def part(self, x: Any, start: Sequence[int], shape: Sequence[int] | Any) -> Any:
        """A part of a tensor.

        Args:
            x: The tensor.
            start: Where the part begins.
            shape: Its dimensions, or a tensor of them where they are known at run time only.
        """
        rank = len(start)
        known = isinstance(shape, Sequence)
        layer = self.network.add_slice(x, tuple(start), tuple(shape) if known else (0,) * rank, (1,) * rank)
        if not known:
            layer.set_input(2, shape)
        return self.only_output(layer)

    def reshape(self, x: Any, dims: Sequence[int]) -> Any:
        """Another shape; 0 keeps a dimension, -1 is what is left."""
        layer = self.network.add_shuffle(x)
        layer.reshape_dims = tuple(dims)
        return self.only_output(layer)

    def reshape_like(self, x: Any, shape: Any) -> Any:
        """The shape that a tensor of dimensions says."""
        layer = self.network.add_shuffle(x)
        layer.set_input(1, shape)
        return self.only_output(layer)

    def transpose(self, x: Any, order: Sequence[int]) -> Any:
        """Dimensions in another order."""
        layer = self.network.add_shuffle(x)
        layer.first_transpose = tuple(order)
        return self.only_output(layer)

    def layer_norm(self, x: Any, scale: Any, shift: Any, eps: float) -> Any:
        """``[..., n, dim]`` normalised over its last dimension in float32, times ``scale`` plus ``shift``."""
        rank = len(x.shape)
        wide = self.cast(x, torch.float32)
        layer = self.network.add_normalization_v2(wide, scale, shift, 1 << (rank - 1))
        layer.epsilon = eps
        return self.only_output(layer)

    def rms_norm(self, x: Any, weight: Tensor, eps: float) -> Any:
        """``[g, t, dim]`` over its root mean square along the last dimension, times a weight; float32."""
        wide = self.cast(x, torch.float32)
        mean = self.only_output(
            self.network.add_reduce(self.multiply(wide, wide), self.trt.ReduceOperation.AVG, 1 << 2, True)
        )
        tiny = self.constant(torch.full((1, 1, 1), eps))
        return self.multiply(
            self.divide(wide, self.root(self.add(mean, tiny))), self.row(weight, torch.float32)
        )

    def gelu(self, x: Any) -> Any:
        """The tanh form of the Gaussian error linear unit."""
        return self.only_output(self.network.add_activation(x, self.trt.ActivationType.GELU_TANH))

    def sigmoid(self, x: Any) -> Any:
        """``1 / (1 + exp(-x))``."""
        return self.only_output(self.network.add_activation(x, self.trt.ActivationType.SIGMOID))

    def clip(self, x: Any, low: float, high: float) -> Any:
        """Cut to a range."""
        layer = self.network.add_activation(x, self.trt.ActivationType.CLIP)
        layer.alpha, layer.beta = low, high
        return self.only_output(layer)

    def root(self, x: Any) -> Any:
        """Square root."""
        return self.only_output(self.network.add_unary(x, self.trt.UnaryOperation.SQRT))

    def channel_sum(self, x: Any) -> Any:
        """Sum over axis 1, which stays as one."""
        return self.only_output(self.network.add_reduce(x, self.trt.ReduceOperation.SUM, 1 << 1, True))

    def doubled(self, x: Any) -> Any:
        """``[1, c, f, h, w]`` with every row and column twice."""
        layer = self.network.add_resize(x)
        layer.resize_mode = self.trt.InterpolationMode.NEAREST
        layer.coordinate_transformation = self.trt.ResizeCoordinateTransformation.ASYMMETRIC
        layer.nearest_rounding = self.trt.ResizeRoundMode.FLOOR
        layer.scales = (1.0, 1.0, 1.0, 2.0, 2.0)
        return self.only_output(layer)

    def convolution(self, x: Any, weight: Tensor, bias: Tensor, name: str) -> Any:
        """Convolution of ``[1, in, f, h, w]`` with ``[out, in, frames, rows, columns]``; h and w stay."""
        kernel = tuple(weight.shape[2:])
        layer = self.network.add_convolution_nd(
            x, weight.shape[0], kernel, self.constants.weights(weight), self.constants.weights(bias)
        )
        layer.padding_nd = (0, kernel[1] // 2, kernel[2] // 2)
        return self.only_output(layer, name)

    def matrix_product(self, x: Any, weight: Any, name: str) -> Any:
        """``[g, t, in]`` times a weight ``[1, out, in]``, transposed."""
        operation = self.trt.MatrixOperation
        layer = self.network.add_matrix_multiply(x, operation.NONE, weight, operation.TRANSPOSE)
        return self.only_output(layer, name)

    def rotate(self, x: Any, cos: Any, sin: Any) -> Any:
        """Rotates neighbouring channels of ``[1, heads, n, head_dim]`` by tables ``[1, n, head_dim / 2]``."""
        return self.only_output(self.network.add_rotary_embedding(x, cos, sin, True, 0))

    def write_in_place(self, cache: Any, update: Any, slot: Any, name: str) -> Any:
        """Writes ``[1, heads, n, head_dim]`` into a cache ``[1, heads, slots, head_dim]`` from a slot on.

        Returns:
            The cache after it: the same memory, if the caller binds the output to the input's address.
        """
        layer = self.network.add_kv_cache_update(cache, update, slot, self.trt.KVCacheMode.LINEAR)
        return self.only_output(layer, name)

    def concatenate(self, tensors: Sequence[Any], axis: int) -> Any:
        """One after the other along an axis."""
        layer = self.network.add_concatenation(list(tensors))
        layer.axis = axis
        return self.only_output(layer)

    def quantise(self, x: Any, scale: Any, name: str) -> Any:
        """``x / scale`` in 8 bit floating point, rounded to nearest."""
        return self.only_output(
            self.network.add_quantize(x, scale, self.trt.DataType.FP8), f"{name} in 8 bit"
        )

    def dequantise(self, x: Any, scale: Any, dtype: torch.dtype, axis: int | None = None) -> Any:
        """``x times scale``; the scale is one number, or one for each place along an axis."""
        layer = self.network.add_dequantize(x, scale, data_type(self.trt, dtype))
        if axis is not None:
            layer.axis = axis
        return self.only_output(layer)

    def packed_constant(self, codes: Tensor, columns: int) -> Any:
        """A constant ``[1, out, columns]`` of 4 bit numbers, given two in a byte."""
        kind = self.trt.DataType.FP4
        shape = (*codes.shape[:2], columns)
        return self.only_output(self.network.add_constant(shape, self.constants.weights(codes, kind)))

    def quantise_blocks(self, x: Any, range_scale: Any, block: int, name: str) -> tuple[Any, Any]:
        """``[g, t, n]`` in 4 bit and the scales of its blocks along n, which are measured as it runs.

        Args:
            x: The tensor.
            range_scale: One scale above those of the blocks, which are 8 bit numbers.
            block: Numbers that share a scale.
            name: For the build log.
        """
        kinds = self.trt.DataType
        layer = self.network.add_dynamic_quantize(x, 2, block, kinds.FP4, kinds.FP8)
        layer.set_input(1, range_scale)
        return self.only_output(layer, f"{name} in 4 bit"), layer.get_output(1)

    def dequantise_blocks(self, x: Any, block_scales: Any, range_scale: Any, dtype: torch.dtype) -> Any:
        """4 bit numbers times the scales of their blocks times the one above."""
        return self.dequantise(x, self.dequantise(block_scales, range_scale, dtype), dtype)

    def attention(
        self,
        query: Any,
        keys: Any,
        values: Any,
        name: str,
        length: Any = None,
        weights_scale: Any = None,
        *,
        decomposable: bool = False,
    ) -> Any:
        """Softmax attention that has to be fused: the build fails where TensorRT has no kernel for it.

        Args:
            query: ``[b, heads, n, head_dim]``, already scaled: the layer has no scale of its own.
            keys: ``[b, heads, m, head_dim]``.
            values: Same shape.
            name: For the build log.
            length: Leading keys attended to, ``[b]``; none: all.
            weights_scale: Scale with which the softmax's weights are quantised to 8 bit; none: they are not.
            decomposable: Without a kernel, several in its place are well enough.

        Returns:
            Same shape as the query.
        """
        trt = self.trt
        layer = self.network.add_attention_v2(
            query, keys, values, trt.AttentionNormalizationOp.SOFTMAX, trt.CausalMaskKind.NONE
        )
        layer.decomposable = decomposable
        if length is not None:
            layer.key_value_lengths = length
        if weights_scale is not None:
            layer.normalization_quantize_scale = weights_scale
            layer.normalization_quantize_to_type = trt.DataType.FP8
        return self.only_output(layer, name)
