# SPDX-License-Identifier: Apache-2.0
"""Rendered shots on the training device, for the autoencoder."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shotstream_training.data.producer import SHOT_SHAPE, StoryProducer


class ClipPool:
    """A ring of shots, uint8, on one device.

    Args:
        capacity: Shots kept; the oldest is replaced.
        device: Where they live: a batch is then one gather, without a copy from the host.
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        # Not zeroed: on a CPU, memory is then taken only as shots arrive.
        self._shots = torch.empty((capacity, *SHOT_SHAPE), dtype=torch.uint8, device=device)
        self._next = 0
        self.seen = 0

    def __len__(self) -> int:
        return min(self.seen, len(self._shots))

    def add(self, shot: NDArray[np.uint8]) -> None:
        """Copies one shot ``[81, H, W, 3]`` in."""
        # Copied once on the host: the source is shared memory that a worker overwrites soon.
        self._shots[self._next].copy_(torch.from_numpy(shot))
        self._next = (self._next + 1) % len(self._shots)
        self.seen += 1

    def refill(self, producer: StoryProducer, limit: int, wait_s: float = 0.0) -> None:
        """Takes in what the producer has finished."""
        for story in producer.stories(limit, wait_s=wait_s):
            for shot in story.shots:
                self.add(shot)

    def sample(self, batch: int, frames: int, generator: torch.Generator) -> Tensor:
        """Random clips ``[b, 3, frames, H, W]`` in [-1, 1].

        Raises:
            ValueError: If the pool is empty.
        """
        if not len(self):
            raise ValueError("the pool holds no shot yet; refill it first")
        device = self._shots.device
        shots = torch.randint(len(self), (batch, 1), generator=generator, device=device)
        last = self._shots.shape[1] - frames
        starts = torch.randint(last + 1, (batch, 1), generator=generator, device=device)
        return to_clips(self._shots[shots, starts + torch.arange(frames, device=device)])

    def shots(self, indices: list[int]) -> Tensor:
        """Whole shots ``[n, 3, 81, H, W]`` in [-1, 1]."""
        return to_clips(self._shots[torch.tensor(indices, device=self._shots.device)])


def to_clips(pictures: Tensor) -> Tensor:
    """uint8 pictures ``[b, f, H, W, 3]`` to clips ``[b, 3, f, H, W]`` in [-1, 1]."""
    return pictures.permute(0, 4, 1, 2, 3).float().div(127.5).sub(1.0)


def to_pictures(clips: Tensor) -> NDArray[np.uint8]:
    """Clips ``[b, 3, f, H, W]`` in [-1, 1] to pictures ``[b, f, H, W, 3]``."""
    scaled = clips.float().clamp(-1, 1).add(1.0).mul(127.5).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 4, 1).cpu().numpy()
