# SPDX-License-Identifier: Apache-2.0
"""In which order rows are shown: shuffled every epoch, shared among processes, and resumable."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class EpochOrder:
    """An endless walk over rows; each epoch is a permutation of its own, drawn from seed and epoch.

    What a step shows depends on seed and position only, never on the number of processes: a step takes the
    next ``batch`` places, and every process an equal run of them.

    Attributes:
        rows: Rows of the data set.
        seed: Seed of all permutations.
        position: Places shown so far, by all processes together; the one number that a checkpoint needs.
    """

    rows: int
    seed: int
    position: int = 0

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError("rows must be 1 or more: there is nothing to show")
        self._drawn: tuple[int, list[int]] = (-1, [])

    def take(self, batch: int, rank: int = 0, world: int = 1) -> list[int]:
        """The places of one process in the next step, and moves on by the whole batch.

        Args:
            batch: Samples of a step, all processes together.
            rank: This process.
            world: Processes.

        Raises:
            ValueError: If the batch cannot be shared evenly.
        """
        if batch % world:
            raise ValueError(f"batch={batch} must be a multiple of the {world} processes that share it")
        share = batch // world
        first = self.position + rank * share
        self.position += batch
        return list(range(first, first + share))

    def row(self, place: int) -> int:
        """The row at a place."""
        epoch, offset = divmod(place, self.rows)
        return self._permutation(epoch)[offset]

    def candidates(self, place: int) -> list[int]:
        """The row at a place, then its stand-ins where it is bad: the rows after it, in a circle.

        Every process finds the same stand-in, and the walk goes on as if nothing had happened.
        """
        epoch, offset = divmod(place, self.rows)
        order = self._permutation(epoch)
        return order[offset:] + order[:offset]

    def _permutation(self, epoch: int) -> list[int]:
        if self._drawn[0] != epoch:
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            self._drawn = (epoch, torch.randperm(self.rows, generator=generator).tolist())
        return self._drawn[1]
