# SPDX-License-Identifier: Apache-2.0
"""Randomness that belongs to a sample, not to a process.

Every number is a function of the run's seed, of what it is for, and of the sample's place in the run. So a
run on two processes draws what a run on one draws, and a resumed run what an uninterrupted one draws,
without any generator's state to be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Draws:
    """Source of all random numbers of a stage.

    Attributes:
        seed: Seed of the run.
        stage: Name of the stage: two stages with one seed draw different numbers.
        device: Where the numbers are wanted and drawn.
    """

    seed: int
    stage: str
    device: torch.device

    def normal(self, places: Sequence[int], shape: Sequence[int], *purpose: object) -> Tensor:
        """Standard normal numbers ``[b, *shape]``, one row per sample."""
        return self._rows(places, purpose, lambda g: torch.randn(*shape, generator=g, device=self.device))

    def uniform(self, places: Sequence[int], shape: Sequence[int], *purpose: object) -> Tensor:
        """Numbers in [0, 1), ``[b, *shape]``, one row per sample."""
        return self._rows(places, purpose, lambda g: torch.rand(*shape, generator=g, device=self.device))

    def chosen(self, places: Sequence[int], share: float, *purpose: object) -> Tensor:
        """True for a share of samples, ``[b]``."""
        return self.uniform(places, (1,), *purpose)[:, 0] < share

    def shared_choice(self, options: int, *purpose: object) -> int:
        """One of ``options``, the same for all samples and all processes."""
        generator = torch.Generator().manual_seed(self._key("shared", *purpose))
        return int(torch.randint(options, (), generator=generator))

    def shared_uniform(self, *purpose: object) -> float:
        """A number in [0, 1), the same for all samples and all processes."""
        generator = torch.Generator().manual_seed(self._key("shared", *purpose))
        return float(torch.rand((), generator=generator))

    def _rows(
        self, places: Sequence[int], purpose: Sequence[object], draw: Callable[[torch.Generator], Tensor]
    ) -> Tensor:
        generator = torch.Generator(self.device)
        return torch.stack([draw(generator.manual_seed(self._key(*purpose, place))) for place in places])

    def _key(self, *parts: object) -> int:
        text = "/".join(str(part) for part in (self.seed, self.stage, *parts))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1
