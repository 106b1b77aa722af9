# SPDX-License-Identifier: Apache-2.0
"""Computes a TensorRT network with torch, layer by layer, from what the network itself says.

Nothing is taken from the code that defined the network: layer types, attributes, weights and connections are
read back from the `INetworkDefinition`. So a number that agrees with the eager student proves the definition.
What TensorRT's kernels do with it, only a GPU shows.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_DTYPES = {
    "FLOAT": torch.float32,
    "HALF": torch.float16,
    "BF16": torch.bfloat16,
    "FP8": torch.float8_e4m3fn,
    # Torch has no such type: its numbers are kept as they are.
    "FP4": torch.float32,
    "INT32": torch.int32,
    "INT64": torch.int64,
    "BOOL": torch.bool,
}
_FP8_MAX = 448.0
_FP4 = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
_OBJECT_HEAD = 16  # reference count and type, in CPython


class _Weights(ctypes.Structure):
    """`nvinfer1::Weights`."""

    _fields_ = (("type", ctypes.c_int32), ("values", ctypes.c_void_p), ("count", ctypes.c_int64))


class NetworkInterpreter:
    """Runs a network definition on the CPU.

    Args:
        trt: The product's Python API.
        network: The network; what its weights point into has to be alive.
        wide: Computes every floating type in float32 and rounds nothing. What remains of a quantised network
            is its arithmetic, which then has to agree with plain arithmetic closely.
    """

    def __init__(self, trt: Any, network: Any, *, wide: bool = False) -> None:
        self._trt = trt
        self._network = network
        self._wide = wide
        # What the layer's type says it is; Python is given every layer as the base class.
        layers = (network.get_layer(i) for i in range(network.num_layers))
        self._layers = [(layer.type.name, self._typed(layer)) for layer in layers]
        self._constants: dict[str, Tensor] = {}
        self.quantised: dict[str, float] = {}
        """By quantising layer, the share of the format's range that has been used."""

    @property
    def layer_types(self) -> list[str]:
        """The type of every layer, in order."""
        return [kind for kind, _ in self._layers]

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Computes the outputs.

        Args:
            inputs: By name, of the declared types. A cache that the network updates is written in place.

        Raises:
            ValueError: An input is missing, too many, or has a type or shape that was not declared.
        """
        declared = [self._network.get_input(i) for i in range(self._network.num_inputs)]
        if {tensor.name for tensor in declared} != set(inputs):
            raise ValueError(
                f"inputs {sorted({tensor.name for tensor in declared} ^ set(inputs))} do not match"
            )
        for tensor in declared:
            given = inputs[tensor.name]
            fits = len(tensor.shape) == given.ndim and all(
                dim in (-1, size) for dim, size in zip(tensor.shape, given.shape, strict=True)
            )
            if given.dtype is not self._dtype(tensor.dtype) or not fits:
                raise ValueError(f"{tensor.name} is {given.dtype} {tuple(given.shape)}, not as declared")
        values: dict[str, Tensor] = dict(inputs)
        for kind, layer in self._layers:
            compute: Callable[[Any, list[Any]], Any] = getattr(self, f"_{kind.lower()}")
            arguments = [
                values[tensor.name] if (tensor := layer.get_input(i)) is not None else None
                for i in range(layer.num_inputs)
            ]
            result = compute(layer, arguments)
            results = result if isinstance(result, tuple) else (result,)
            assert len(results) == layer.num_outputs
            for index, value in enumerate(results):
                output = layer.get_output(index)
                assert value.dtype is self._dtype(output.dtype), f"{layer.name}: {value.dtype}"
                values[output.name] = value
        outputs = (self._network.get_output(i).name for i in range(self._network.num_outputs))
        return {name: values[name] for name in outputs}

    def _dtype(self, kind: Any) -> torch.dtype:
        dtype = _DTYPES[kind.name]
        return torch.float32 if self._wide and dtype.is_floating_point else dtype

    def _typed(self, layer: Any) -> Any:
        names = {
            "KV_CACHE_UPDATE": "IKVCacheUpdateLayer",
            "ELEMENTWISE": "IElementWiseLayer",
        }
        kind = layer.type.name
        default = "I" + "".join(part.capitalize() for part in kind.split("_")) + "Layer"
        layer.__class__ = getattr(self._trt, names.get(kind, default))
        return layer

    # -- layers ---------------------------------------------------------------------------------------

    def _constant(self, layer: Any, inputs: list[Any]) -> Tensor:
        if layer.name not in self._constants:
            kind = layer.get_output(0).dtype
            numbers = self._weights(layer.weights, kind).view(tuple(layer.shape))
            self._constants[layer.name] = numbers.to(self._dtype(kind))
        return self._constants[layer.name]

    @staticmethod
    def _weights(weights: Any, kind: Any) -> Tensor:
        dtype = _DTYPES[kind.name]
        if isinstance(weights, np.ndarray):
            return torch.from_numpy(weights.copy()).flatten()
        # Numpy lacks the type, and Python is shown no pointer: the structure behind the object has it.
        structure = _Weights.from_address(ctypes.c_void_p.from_address(id(weights) + _OBJECT_HEAD).value or 0)
        assert (structure.count, weights.dtype) == (weights.size, kind)
        if kind.name == "FP4":
            packed = (ctypes.c_char * (structure.count // 2)).from_address(structure.values)
            pairs = torch.frombuffer(bytearray(packed), dtype=torch.uint8)
            codes = torch.stack((pairs & 15, pairs >> 4), dim=-1).flatten().long()
            return torch.where(codes < 8, 1.0, -1.0) * _FP4[codes & 7]
        raw = (ctypes.c_char * weights.nbytes).from_address(structure.values)
        return torch.frombuffer(bytearray(raw), dtype=dtype)

    def _cast(self, layer: Any, inputs: list[Any]) -> Tensor:
        return inputs[0].to(self._dtype(layer.to_type))

    def _concatenation(self, layer: Any, inputs: list[Any]) -> Tensor:
        if inputs[0].dtype.itemsize > 1:
            return torch.cat(inputs, dim=layer.axis)
        # Torch does not concatenate 8 bit floating point.
        joined = torch.cat([x.view(torch.uint8) for x in inputs], dim=layer.axis)
        return joined.view(inputs[0].dtype)

    def _quantize(self, layer: Any, inputs: list[Any]) -> Tensor:
        x, scale = inputs
        assert scale.ndim == 0
        scaled = x.float() / scale
        used = scaled.abs().max().item() / _FP8_MAX
        self.quantised[layer.name] = max(used, self.quantised.get(layer.name, 0.0))
        if self._wide:
            return scaled
        assert layer.to_type.name == "FP8"
        return scaled.clamp(-_FP8_MAX, _FP8_MAX).to(torch.float8_e4m3fn)

    def _dynamic_quantize(self, layer: Any, inputs: list[Any]) -> tuple[Tensor, Tensor]:
        x, above = inputs
        assert (layer.axis, layer.to_type.name, layer.scale_type.name) == (x.ndim - 1, "FP4", "FP8")
        blocks = x.float().unflatten(-1, (-1, layer.block_size))
        scales = blocks.abs().amax(-1) / _FP4.max() / above
        used = scales.max().item() / _FP8_MAX
        self.quantised[layer.name] = max(used, self.quantised.get(layer.name, 0.0))
        if not self._wide:
            scales = scales.clamp(max=_FP8_MAX).to(torch.float8_e4m3fn)
        unit = (scales.float() * above)[..., None]
        scaled = torch.where(unit > 0, blocks / unit, 0.0)
        if not self._wide:
            nearest = (scaled.abs()[..., None] - _FP4).abs().argmin(-1)
            scaled = torch.where(scaled < 0, -1.0, 1.0) * _FP4[nearest]
        return scaled.flatten(-2), scales

    def _dequantize(self, layer: Any, inputs: list[Any]) -> Tensor:
        x, scale = inputs
        if scale.ndim == x.ndim:
            # Scales of blocks along the last axis.
            scale = scale.float().repeat_interleave(x.shape[-1] // scale.shape[-1], dim=-1)
        elif scale.ndim:
            scale = scale.view([-1 if axis == layer.axis else 1 for axis in range(x.ndim)])
        return (x.float() * scale).to(self._dtype(layer.to_type))

    def _elementwise(self, layer: Any, inputs: list[Any]) -> Tensor:
        a, b = inputs
        assert a.dtype is b.dtype
        operations = {
            "SUM": torch.add,
            "PROD": torch.mul,
            "DIV": torch.div,
            "MAX": torch.maximum,
        }
        return operations[layer.op.name](a, b)

    def _unary(self, layer: Any, inputs: list[Any]) -> Tensor:
        return {"SQRT": torch.sqrt}[layer.op.name](inputs[0])

    def _activation(self, layer: Any, inputs: list[Any]) -> Tensor:
        (x,) = inputs
        # Of an activation layer, `type` is the function.
        if layer.type.name == "GELU_TANH":
            return F.gelu(x, approximate="tanh")
        if layer.type.name == "SIGMOID":
            return torch.sigmoid(x)
        if layer.type.name == "CLIP":
            return x.clamp(layer.alpha, layer.beta)
        raise NotImplementedError(layer.type)

    def _convolution(self, layer: Any, inputs: list[Any]) -> Tensor:
        (x,) = inputs
        assert tuple(layer.stride_nd) == tuple(layer.dilation_nd) == (1,) * (x.ndim - 2)
        assert layer.num_groups == 1
        assert layer.padding_mode.name == "EXPLICIT_ROUND_DOWN"
        kind = layer.get_output(0).dtype
        shape = (layer.num_output_maps, x.shape[1], *layer.kernel_size_nd)
        weight, bias = (self._weights(part, kind) for part in (layer.kernel, layer.bias))
        return F.conv3d(x, weight.view(shape), bias, padding=tuple(layer.padding_nd))

    def _resize(self, layer: Any, inputs: list[Any]) -> Tensor:
        (x,) = inputs
        assert layer.resize_mode.name == "NEAREST"
        assert layer.coordinate_transformation.name == "ASYMMETRIC"
        assert layer.nearest_rounding.name == "FLOOR"
        for axis, scale in enumerate(layer.scales):
            x = x.repeat_interleave(int(scale), dim=axis)
        return x

    def _reduce(self, layer: Any, inputs: list[Any]) -> Tensor:
        (x,) = inputs
        axes = [axis for axis in range(x.ndim) if layer.axes >> axis & 1]
        return {"AVG": torch.mean, "SUM": torch.sum}[layer.op.name](x, dim=axes, keepdim=layer.keep_dims)

    def _shape(self, layer: Any, inputs: list[Any]) -> Tensor:
        return torch.tensor(inputs[0].shape, dtype=torch.int64)

    def _slice(self, layer: Any, inputs: list[Any]) -> Tensor:
        x = inputs[0]
        assert layer.mode.name == "STRICT_BOUNDS"
        shape = inputs[2].tolist() if len(inputs) > 2 else list(layer.shape)
        for axis, (start, size, stride) in enumerate(zip(layer.start, shape, layer.stride, strict=True)):
            assert start + (size - 1) * stride < x.shape[axis]
            x = x[(slice(None),) * axis + (slice(start, start + size * stride, stride),)]
        return x

    def _shuffle(self, layer: Any, inputs: list[Any]) -> Tensor:
        x = self._permuted(inputs[0], layer.first_transpose)
        if len(inputs) > 1:
            x = x.reshape(inputs[1].tolist())
        elif layer.reshape_dims is not None:
            dims = [x.shape[i] if dim == 0 else dim for i, dim in enumerate(layer.reshape_dims)]
            x = x.reshape(dims)
        return self._permuted(x, layer.second_transpose)

    @staticmethod
    def _permuted(x: Tensor, order: Any) -> Tensor:
        return x.permute([order[axis] for axis in range(x.ndim)])

    def _normalization(self, layer: Any, inputs: list[Any]) -> Tensor:
        x, scale, shift = inputs
        assert layer.is_v2
        assert layer.num_groups == 1
        axes = [axis for axis in range(x.ndim) if layer.axes >> axis & 1]
        centred = x - x.mean(axes, keepdim=True)
        variance = centred.square().mean(axes, keepdim=True)
        return centred / (variance + layer.epsilon).sqrt() * scale + shift

    def _matrix_multiply(self, layer: Any, inputs: list[Any]) -> Tensor:
        a, b = (
            x.transpose(-1, -2) if op.name == "TRANSPOSE" else x
            for x, op in zip(inputs, (layer.op0, layer.op1), strict=True)
        )
        return a @ b

    def _rotary_embedding(self, layer: Any, inputs: list[Any]) -> Tensor:
        x, cos, sin = inputs
        assert layer.interleaved
        assert layer.rotary_embedding_dim in (0, x.shape[-1])
        even, odd = x[..., 0::2], x[..., 1::2]
        cos, sin = cos[:, None], sin[:, None]
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)

    def _kv_cache_update(self, layer: Any, inputs: list[Any]) -> Tensor:
        cache, update, slots = inputs
        assert layer.cache_mode.name == "LINEAR"
        for row, slot in enumerate(slots.tolist()):
            assert slot + update.shape[2] <= cache.shape[2]
            cache[row, :, slot : slot + update.shape[2]] = update[row]
        return cache

    def _attention_input(self, layer: Any, inputs: list[Any]) -> Tensor:
        query, keys, values, *optional = inputs
        attention = layer.attention
        assert attention.norm_op.name == "SOFTMAX"
        assert attention.causal_kind.name == "NONE"
        assert attention.mask is None
        # The scale is the definition's own business: the layer has none.
        scores = query.float() @ keys.float().transpose(-1, -2)
        if attention.key_value_lengths is not None:
            lengths = optional[3]
            beyond = torch.arange(keys.shape[2]) >= lengths[:, None, None, None]
            scores = scores.masked_fill(beyond, float("-inf"))
        weights = scores.softmax(-1)
        if attention.normalization_quantize_scale is not None and not self._wide:
            assert attention.normalization_quantize_to_type.name == "FP8"
            scale = inputs[4]
            weights = (weights / scale).to(torch.float8_e4m3fn).float() * scale
        kept = values.float()
        if attention.key_value_lengths is not None:
            # Unwritten slots may hold anything.
            kept = kept.masked_fill(beyond.transpose(-1, -2), 0.0)
        return (weights @ kept).to(self._dtype(layer.attention.get_output(0).dtype))

    def _attention_output(self, layer: Any, inputs: list[Any]) -> Tensor:
        return inputs[0]
