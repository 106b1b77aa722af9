# SPDX-License-Identifier: Apache-2.0
"""Decoding a shot's latents with the decoder's plans; see `FrameDecoder`.

Nothing here calls CUDA: an executor runs the network on the buffers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from shotstream_runtime.codecs.frame_decoder import FramesOnDevice, PendingFrames

from . import decoder_network as names
from .decoder_network import DecoderTensors

DECODER_STATES = 2
"""How often a decoder holds its carried states: a step reads one set and writes the other."""


class StepExecutor(Protocol):
    """Runs the decoder's networks.

    Attributes:
        first: Border of the network for a shot's first latent.
        later: Border of the network for the others.
    """

    first: DecoderTensors
    later: DecoderTensors

    def run_step(self, first: bool, buffers: Mapping[str, Tensor]) -> None:
        """Decodes one latent on the device, in order with what was queued before.

        Args:
            first: Whether it is a shot's first.
            buffers: Every input and output by name, contiguous.
        """
        ...


class TensorRtDecoder:
    """Decodes the latents of one shot in order; see `FrameDecoder`.

    The carried states are there twice: a step reads one set and writes the other, so that one which fails
    can be begun again.

    Args:
        executor: Runs the networks.
        dtype: Type of the states.
        device: Where they are.
    """

    ahead = 1

    def __init__(self, executor: StepExecutor, dtype: torch.dtype, device: torch.device) -> None:
        self._executor = executor
        self._device = device
        self._states = names.empty_states(executor.later, dtype, device)
        self._others = names.empty_states(executor.later, dtype, device)
        self._latents = 0

    @property
    def bytes(self) -> int:
        """Memory on the device that the carried states hold."""
        sets = (self._states, self._others)
        return sum(state.nbytes for states in sets for state in states.values())

    @torch.inference_mode()
    def begin(self, latent: Tensor) -> PendingFrames:
        """See `FrameDecoder.begin`.

        Raises:
            ValueError: The latent has another shape than the plans were built for.
        """
        tensors = self._executor.later if self._latents else self._executor.first
        expected = (1, *tensors.latent[1:2], *tensors.latent[3:])
        if tuple(latent.shape) != expected:
            raise ValueError(f"latent has shape {tuple(latent.shape)}; this decoder was built for {expected}")
        pixels = torch.empty(tensors.pixels, device=self._device)
        buffers = {names.LATENT: latent.to(self._device, torch.float32)[:, :, None].contiguous()}
        for name in tensors.carried:
            buffers[name] = self._states[name]
            buffers[names.after(name)] = self._others[name]
        self._executor.run_step(self._latents == 0, buffers | {names.PIXELS: pixels})
        for name in tensors.carried:
            self._states[name], self._others[name] = self._others[name], self._states[name]
        self._latents += 1
        return FramesOnDevice(pixels[0].transpose(0, 1))

    def close(self) -> None:
        """Gives the states back."""
        self._states, self._others = {}, {}


class TensorRtDecoders:
    """Opens decoders over one pair of plans; see `DecoderSource`.

    Args:
        executor: Runs the networks.
        dtype: Type of the states.
        device: Where they are.
    """

    def __init__(self, executor: StepExecutor, dtype: torch.dtype, device: torch.device) -> None:
        self._executor, self._dtype, self._device = executor, dtype, device

    def open_decoder(self) -> TensorRtDecoder:
        """A decoder at the first latent of a shot."""
        return TensorRtDecoder(self._executor, self._dtype, self._device)

    def decoder_bytes(self, height: int, width: int) -> int:
        """Memory that a decoder holds, whatever is asked: its plans are for one size."""
        del height, width
        return DECODER_STATES * self._executor.later.state_numbers * self._dtype.itemsize
