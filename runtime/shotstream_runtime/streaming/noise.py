# SPDX-License-Identifier: Apache-2.0
"""Where the noise of a story comes from."""

from __future__ import annotations

import hashlib
from typing import Protocol

import torch
from torch import Tensor


class NoiseSource(Protocol):
    """Standard normal noise, addressed by its place in the story."""

    def draw(self, shot: int, chunk: int, step: int, shape: tuple[int, ...]) -> Tensor:
        """Noise in float32 on the CPU.

        Args:
            shot: Number of the shot in its story.
            chunk: Number of the chunk in its shot.
            step: 0 for the initial noise, 1, 2, ... for the re-noising before that step.
            shape: Shape wanted.
        """
        ...


class SeededNoise:
    """Noise that depends on (seed, shot, chunk, step) alone.

    It is drawn on the CPU whatever the engine's device, so a shot generated again from the same history gives
    the same frames, however the story reached it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def draw(self, shot: int, chunk: int, step: int, shape: tuple[int, ...]) -> Tensor:
        """See `NoiseSource.draw`."""
        place = f"{self._seed}/{shot}/{chunk}/{step}".encode()
        digest = hashlib.blake2b(place, digest_size=8).digest()
        # torch takes signed 64-bit seeds only; one bit less keeps every digest valid.
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
        return torch.randn(shape, generator=generator)
