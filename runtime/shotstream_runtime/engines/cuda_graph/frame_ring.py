# SPDX-License-Identifier: Apache-2.0
"""Frames on their way from the device to main memory: a ring of pinned buffers, and a lane of copies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from shotstream_runtime.codecs.frame_decoder import DecodedFrames
from shotstream_runtime.engines.cuda_graph.graphs import Lane, Mark


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    pixels: Tensor
    pictures: Tensor


class FrameRing:
    """A few places in main memory for the frames of a latent each, used in turn.

    Args:
        slots: Number of places: so many latents can be under way.
        frames: Frames of a latent at most.
        height: Rows of a frame.
        width: Columns of a frame.
        lane: Copies.
        pinned: Whether the memory is pinned, so that copies need no processor.
    """

    def __init__(self, slots: int, *, frames: int, height: int, width: int, lane: Lane, pinned: bool) -> None:
        self._lane = lane
        self._slots = [
            _Slot(
                torch.empty(frames, 3, height, width, pin_memory=pinned),
                torch.empty(frames, height, width, 3, dtype=torch.uint8, pin_memory=pinned),
            )
            for _ in range(slots)
        ]
        self._next = 0

    @property
    def slots(self) -> int:
        """How many latents can be under way."""
        return len(self._slots)

    def bring(self, pixels: Tensor, pictures: Tensor, after: Mark) -> tuple[FramesUnderWay, Mark]:
        """Queues the copies of one latent's frames.

        Args:
            pixels: ``[n, 3, H, W]`` float32 on the device.
            pictures: ``[n, H, W, 3]`` uint8 on the device.
            after: When they are there.

        Returns:
            The frames, and when their buffers on the device may be written again.
        """
        slot = self._slots[self._next]
        self._next = (self._next + 1) % len(self._slots)
        count = len(pixels)
        self._lane.follow(after)
        with self._lane.entered():
            slot.pixels[:count].copy_(pixels, non_blocking=True)
            slot.pictures[:count].copy_(pictures, non_blocking=True)
        copied = self._lane.mark()
        return FramesUnderWay(slot.pixels[:count], slot.pictures[:count], copied), copied


@dataclass(frozen=True, slots=True, eq=False)
class FramesUnderWay:
    """Frames that a lane of copies brings; see `PendingFrames`."""

    pixels: Tensor
    pictures: Tensor
    copied: Mark

    def frames(self) -> DecodedFrames:
        """Waits for the copies. The pixels are the ring's own; the pictures are the caller's."""
        self.copied.wait()
        return DecodedFrames(self.pixels, self.pictures.numpy().copy())
