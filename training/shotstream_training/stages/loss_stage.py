# SPDX-License-Identifier: Apache-2.0
"""What the stages with one loss share: a round is one optimiser step over micro batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Generic, TypeVar

from torch import Tensor

from shotstream_training.stages.clip_source import ShotSource
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.settings import CausalInitStageSettings, TeacherStageSettings

S = TypeVar("S", TeacherStageSettings, CausalInitStageSettings)


class LossStage(ABC, Generic[S]):
    """A stage that takes samples and steps down one loss.

    Attributes:
        settings: Sizes of batch and micro batch among others.
        source: Where the samples come from.
        learner: Takes the step.
    """

    settings: S
    source: ShotSource
    learner: Learner

    def round(self, number: int, factor: float) -> dict[str, Tensor]:
        """One optimiser step."""
        del number
        places = self.source.take(self.settings.batch)
        parts = split(places, self.settings.micro_batch)
        return self.learner.update([partial(self.loss, part) for part in parts], factor)

    @abstractmethod
    def loss(self, places: Sequence[int]) -> Tensor:
        """The loss of the samples at these places, mean over them."""


def split(places: Sequence[int], size: int) -> list[Sequence[int]]:
    """Equal parts of a step's places for passes of their own; 0 keeps them together.

    Raises:
        ValueError: If they cannot be split evenly.
    """
    size = size or len(places)
    if len(places) % size:
        raise ValueError(f"micro_batch={size} must divide the {len(places)} samples of a process")
    return [places[first : first + size] for first in range(0, len(places), size)]
