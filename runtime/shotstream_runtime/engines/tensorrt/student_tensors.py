# SPDX-License-Identifier: Apache-2.0
"""What goes into the student's network and comes out of it: names, shapes and types of its tensors.

One network serves all three passes. A pass is a batch of *groups* of tokens: tokens of a group attend to one
caption, and all tokens of the pass attend to the cache. A chunk (denoising and clean pass) is one group, the
context is one group for each condition frame. Both are an optimisation profile of one engine, which shares
the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import torch

from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.model import StudentConfig

from .precisions import cache_dtype

PATCHES = "patches"
COS, SIN = "rotary_cos", "rotary_sin"
MODULATION, HEAD_MODULATION = "modulation", "head_modulation"
WRITE_SLOT, KEY_LENGTH = "write_slot", "key_length"
FLOW = "flow"


class Pass(IntEnum):
    """The kinds of a pass; the number is that of its optimisation profile."""

    CHUNK = 0
    CONTEXT = 1


def cached_keys(layer: int) -> str:
    """Name of a layer's cached keys."""
    return f"keys.{layer}"


def cached_values(layer: int) -> str:
    """Name of a layer's cached values."""
    return f"values.{layer}"


def stored(name: str) -> str:
    """Name of the output that stores into a cache tensor."""
    return f"{name}.stored"


def caption_keys(layer: int) -> str:
    """Name of a layer's keys of the captions."""
    return f"caption_keys.{layer}"


def caption_values(layer: int) -> str:
    """Name of a layer's values of the captions."""
    return f"caption_values.{layer}"


@dataclass(frozen=True, slots=True)
class NetworkTensor:
    """A tensor at the border of the network.

    Attributes:
        dtype: Its type.
        at: Its dimensions in each kind of pass.
    """

    dtype: torch.dtype
    at: Mapping[Pass, tuple[int, ...]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions; -1 where the passes differ."""
        chunk, context = self.at[Pass.CHUNK], self.at[Pass.CONTEXT]
        return tuple(one if one == other else -1 for one, other in zip(chunk, context, strict=True))


@dataclass(frozen=True, slots=True)
class StudentTensors:
    """The border of a student's network.

    Attributes:
        config: Dimensions of the student.
        height: Latent rows.
        width: Latent columns.
        precision: Number format.
    """

    config: StudentConfig
    height: int
    width: int
    precision: Precision

    @property
    def frame_tokens(self) -> int:
        """Tokens of one latent frame."""
        return self.config.tokens_per_frame(self.height, self.width)

    @property
    def slots(self) -> int:
        """Token slots of the dual cache."""
        return (self.config.max_context_frames + self.config.local_window_frames) * self.frame_tokens

    @property
    def writes_in_place(self) -> bool:
        """Whether a pass writes into the cache by slot; otherwise it gives its keys and values out."""
        return cache_dtype(self.precision) is self.precision.dtype

    def groups(self, kind: Pass) -> int:
        """Groups of tokens of a pass: the leading dimension of patches and captions."""
        return 1 if kind is Pass.CHUNK else self.config.max_context_frames

    def tokens(self, kind: Pass) -> int:
        """Tokens of a pass."""
        frames = self.config.frames_per_chunk if kind is Pass.CHUNK else self.config.max_context_frames
        return frames * self.frame_tokens

    def inputs(self) -> dict[str, NetworkTensor]:
        """Every input, in the order in which it is declared."""
        config, compute = self.config, self.precision.dtype
        heads, head_dim = config.num_heads, config.head_dim

        def same(dtype: torch.dtype, *shape: int) -> NetworkTensor:
            return NetworkTensor(dtype, dict.fromkeys(Pass, shape))

        patch = config.in_dim * config.patch_size[1] * config.patch_size[2]
        rotary = NetworkTensor(torch.float32, {kind: (1, self.tokens(kind), head_dim // 2) for kind in Pass})
        caption = NetworkTensor(
            compute, {kind: (self.groups(kind), heads, config.text_len, head_dim) for kind in Pass}
        )
        inputs = {
            PATCHES: self._grouped(patch),
            COS: rotary,
            SIN: rotary,
            MODULATION: same(torch.float32, config.num_layers, 6, config.dim),
            HEAD_MODULATION: same(torch.float32, 1, 2, config.dim),
            WRITE_SLOT: same(torch.int32, 1),
            KEY_LENGTH: same(torch.int32, 1),
        }
        for layer in range(config.num_layers):
            for name in (caption_keys(layer), caption_values(layer)):
                inputs[name] = caption
            for name in (cached_keys(layer), cached_values(layer)):
                slots = (heads, self.slots) if self.writes_in_place else (self.slots, heads)
                inputs[name] = same(cache_dtype(self.precision), 1, *slots, head_dim)
        if not self.writes_in_place:
            del inputs[WRITE_SLOT]
        return inputs

    def outputs(self) -> dict[str, NetworkTensor]:
        """Every output: the flow, and for each cache tensor the one that stores into it."""
        config, cache = self.config, self.inputs()
        written = NetworkTensor(
            cache_dtype(self.precision),
            {kind: (1, self.tokens(kind), config.num_heads, config.head_dim) for kind in Pass},
        )
        outputs = {FLOW: self._grouped(config.patch_numbers)}
        for layer in range(config.num_layers):
            for name in (cached_keys(layer), cached_values(layer)):
                outputs[stored(name)] = cache[name] if self.writes_in_place else written
        return outputs

    def _grouped(self, numbers: int) -> NetworkTensor:
        """Numbers of every token, ``[groups, tokens of a group, numbers]``."""
        shapes = {kind: (self.groups(kind), self.tokens(kind) // self.groups(kind), numbers) for kind in Pass}
        return NetworkTensor(self.precision.dtype, shapes)

    @property
    def buffer_bytes(self) -> int:
        """Memory of a session's buffers, those of a context pass included."""
        tensors = self.inputs() | {FLOW: self.outputs()[FLOW]}
        shared = sum(_bytes(tensor, Pass.CHUNK) for tensor in tensors.values())
        return shared + sum(_bytes(tensor, Pass.CONTEXT) for tensor in tensors.values() if -1 in tensor.shape)

    def profiles(self) -> list[dict[str, tuple[int, ...]]]:
        """For each kind of pass the shapes of the inputs whose dimensions differ between them."""
        varying = {name: tensor for name, tensor in self.inputs().items() if -1 in tensor.shape}
        return [{name: tensor.at[kind] for name, tensor in varying.items()} for kind in Pass]


def _bytes(tensor: NetworkTensor, kind: Pass) -> int:
    return math.prod(tensor.at[kind]) * tensor.dtype.itemsize
