# SPDX-License-Identifier: Apache-2.0
"""The video decoder's step as a TensorRT network: a latent and the carried states in, frames and states out.

Two networks: the first latent of a shot becomes one frame and does not go through the layers that double
time; every later one becomes as many frames as the temporal factor. A carried state is the last two frames
that a causal convolution has read. Where the autoencoder has no state yet it pads with zeros, so states that
are zero are the same as none. The library's modules are untyped here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from shotstream_runtime.codecs.video import VideoCodec

from .constants import Constants
from .layers import Layers

LATENT, PIXELS = "latent", "pixels"
CARRIED_FRAMES = 2
_TINY = 1e-24  # of a squared length: what the autoencoder's norm divides by at least


def state(index: int) -> str:
    """Name of a carried state, in the order in which the decoder reads them."""
    return f"state.{index}"


def after(name: str) -> str:
    """Name of a state after the step."""
    return f"{name}.next"


@dataclass(frozen=True, slots=True)
class DecoderTensors:
    """The border of a decoder's network.

    Attributes:
        latent: ``[1, channels, 1, h, w]``.
        pixels: ``[1, 3, frames, H, W]``, clipped to [-1, 1].
        states: ``[1, channels, 2, rows, columns]`` each, by name.
        carried: Names of those that this step reads and writes; the others stay as they are.
    """

    latent: tuple[int, ...]
    pixels: tuple[int, ...]
    states: dict[str, tuple[int, ...]]
    carried: tuple[str, ...]

    @classmethod
    def of_plan(cls, shapes: Mapping[str, tuple[int, ...]]) -> Self:
        """From the inputs and outputs of a plan that was built."""
        carried = tuple(name for name in shapes if name.startswith("state.") and after(name) in shapes)
        states = {name: shapes[name] for name in carried}
        return cls(shapes[LATENT], shapes[PIXELS], states, carried)

    @property
    def state_numbers(self) -> int:
        """Numbers in all states together."""
        return sum(math.prod(shape) for shape in self.states.values())


class DecoderNetwork:
    """Defines one step of a decoder.

    Args:
        trt: The product's Python API.
        network: An empty network.
        constants: Keeps what the network points into.
        codec: The autoencoder, and how its latents are normalised.
        height: Latent rows.
        width: Latent columns.
        dtype: Type of activations and weights.
        first: Whether the step is that of a shot's first latent.
    """

    def __init__(
        self,
        trt: Any,
        network: Any,
        constants: Constants,
        codec: VideoCodec,
        height: int,
        width: int,
        dtype: torch.dtype,
        *,
        first: bool,
    ) -> None:
        self._layers = Layers(trt, network, constants)
        self._codec = codec
        self._size = height, width
        self._dtype = dtype
        self._first = first
        self._states: dict[str, tuple[int, ...]] = {}
        self._carried: list[str] = []

    def define(self) -> DecoderTensors:
        """Adds every layer; the border that came of it."""
        layers, vae = self._layers, self._codec.vae
        shape = (1, self._codec.latent_channels, 1, *self._size)
        latent = layers.input(LATENT, torch.float32, shape)
        mean, std = self._codec.normalisation
        raw = layers.add(
            layers.multiply(latent, layers.constant(std.float().cpu().view(1, -1, 1, 1, 1))),
            layers.constant(mean.float().cpu().view(1, -1, 1, 1, 1)),
        )
        x = self._convolution(layers.cast(raw, self._dtype), vae.post_quant_conv, "post_quant_conv")
        decoder = vae.decoder
        x = self._causal(x, decoder.conv_in, "conv_in")
        x = self._residual(x, decoder.mid_block.resnets[0], "mid.0")
        for index, (attention, block) in enumerate(
            zip(decoder.mid_block.attentions, decoder.mid_block.resnets[1:], strict=True)
        ):
            x = self._residual(self._attention(x, attention), block, f"mid.{index + 1}")
        for stage, up in enumerate(decoder.up_blocks):
            for index, block in enumerate(up.resnets):
                x = self._residual(x, block, f"up.{stage}.{index}")
            for sampler in up.upsamplers or ():
                x = self._upsampled(x, sampler, f"up.{stage}.sampler")
        x = self._causal(self._activated(x, decoder.norm_out), decoder.conv_out, "conv_out")
        pixels = layers.clip(layers.cast(x, torch.float32), -1.0, 1.0)
        layers.output(pixels, PIXELS)
        return DecoderTensors(shape, tuple(pixels.shape), self._states, tuple(self._carried))

    def _residual(self, x: Any, block: Any, name: str) -> Any:
        shortcut = x
        if not isinstance(block.conv_shortcut, nn.Identity):
            shortcut = self._convolution(x, block.conv_shortcut, f"{name}.shortcut")
        inner = self._causal(self._activated(x, block.norm1), block.conv1, f"{name}.conv1")
        inner = self._causal(self._activated(inner, block.norm2), block.conv2, f"{name}.conv2")
        return self._layers.add(inner, shortcut)

    def _activated(self, x: Any, norm: Any) -> Any:
        layers = self._layers
        normed = layers.cast(self._normed(x, norm), self._dtype)
        return layers.multiply(normed, layers.sigmoid(normed))

    def _normed(self, x: Any, norm: Any) -> Any:
        """Divided by its length over the channels, times the weight; float32."""
        layers = self._layers
        gamma = norm.gamma.detach().float().cpu().flatten() * norm.scale
        wide = layers.cast(x, torch.float32)
        squared = layers.channel_sum(layers.multiply(wide, wide))
        length = layers.root(layers.at_least(squared, layers.constant(torch.full((1, 1, 1, 1, 1), _TINY))))
        return layers.multiply(layers.divide(wide, length), layers.constant(gamma.view(1, -1, 1, 1, 1)))

    def _attention(self, x: Any, block: Any) -> Any:
        """Attention of every pixel to every other, in one head as wide as there are channels."""
        layers = self._layers
        _, channels, frames, rows, columns = x.shape
        normed = layers.cast(self._normed(x, block.norm), self._dtype)
        joined = self._convolution(normed, block.to_qkv, "attention.qkv")
        # [1, 3c, 1, h, w] -> [1, 3c, h w] -> [1, 1, h w, 3c]
        flat = layers.reshape(joined, (frames, 1, 3 * channels, rows * columns))
        tokens = layers.transpose(flat, (0, 1, 3, 2))
        size = (frames, 1, rows * columns, channels)
        query, keys, values = (layers.part(tokens, (0, 0, 0, i * channels), size) for i in range(3))
        scale = layers.constant(torch.full((1, 1, 1, 1), channels**-0.5, dtype=self._dtype))
        # No kernel has heads this wide.
        out = layers.attention(
            layers.multiply(query, scale), keys, values, "decoder.attention", decomposable=True
        )
        image = layers.reshape(layers.transpose(out, (0, 1, 3, 2)), (1, channels, frames, rows, columns))
        return layers.add(self._convolution(image, block.proj, "attention.proj"), x)

    def _upsampled(self, x: Any, sampler: Any, name: str) -> Any:
        """Twice the rows and columns and, if it does that and this is not the first latent, the frames."""
        layers = self._layers
        if hasattr(sampler, "time_conv"):
            if self._first:
                # It has read nothing yet, and starts from zeros at the second latent.
                self._carry_zeros(x)
            else:
                x = self._causal(x, sampler.time_conv, f"{name}.time")
                _, channels, frames, rows, columns = x.shape
                channels //= 2
                pairs = layers.reshape(x, (2, channels, frames, rows, columns))
                woven = layers.transpose(pairs, (1, 2, 0, 3, 4))
                x = layers.reshape(woven, (1, channels, 2 * frames, rows, columns))
        return self._convolution(layers.doubled(x), sampler.resample[1], name)

    def _causal(self, x: Any, convolution: Any, name: str) -> Any:
        """A convolution that also reads the two frames before; they are the carried state."""
        layers = self._layers
        index = len(self._states)
        shape = (1, x.shape[1], CARRIED_FRAMES, *x.shape[3:])
        self._states[state(index)] = shape
        self._carried.append(state(index))
        before = layers.input(state(index), self._dtype, shape)
        joined = layers.concatenate((before, x), axis=2)
        last = layers.part(joined, (0, 0, joined.shape[2] - CARRIED_FRAMES, 0, 0), shape)
        layers.output(last, after(state(index)))
        return self._convolution(joined, convolution, name)

    def _carry_zeros(self, x: Any) -> None:
        """Keeps the place of a state that this step neither reads nor writes."""
        self._states[state(len(self._states))] = (1, x.shape[1], CARRIED_FRAMES, *x.shape[3:])

    def _convolution(self, x: Any, convolution: Any, name: str) -> Any:
        """Rows and columns are padded so that they stay; frames are not padded at all."""
        weight, bias = convolution.weight.detach(), convolution.bias.detach()
        if weight.ndim == 4:
            weight = weight[:, :, None]
        return self._layers.convolution(x, weight.to(self._dtype), bias.to(self._dtype), name)


def empty_states(tensors: DecoderTensors, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    """The states before a shot's first latent."""
    return {name: torch.zeros(shape, dtype=dtype, device=device) for name, shape in tensors.states.items()}
