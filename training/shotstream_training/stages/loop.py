# SPDX-License-Identifier: Apache-2.0
"""The loop that all stages share: budget, learning rate, log, curves, checkpoints, pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from shotstream_training.budget import Every, warmup_linear
from shotstream_training.curves import Curves, describe
from shotstream_training.stages.network import RunningAverage
from shotstream_training.stages.place import Place
from shotstream_training.stages.resume import Progress, load_progress, save_progress
from shotstream_training.stages.settings import LoopSettings, RateSchedule


class Stage(Protocol):
    """What the loop runs."""

    name: str

    @property
    def source(self) -> KnowsPosition:
        """Where its samples come from."""
        ...

    def round(self, number: int, factor: float) -> Mapping[str, Tensor]:
        """One or more optimiser steps; ``factor`` scales the learning rates."""
        ...


class HasWeights(Protocol):
    """A network, as checkpoints see it; see `TrainedNetwork`."""

    def weights(self, *, trained_only: bool = False) -> dict[str, Tensor]:
        """Whole copies on the CPU."""
        ...

    def load(self, weights: dict[str, Tensor]) -> None:
        """Sets tensors by name."""
        ...


class HasState(Protocol):
    """An optimiser, as checkpoints see it; see `Learner`."""

    def state(self) -> dict[str, Tensor]:
        """Whole copies on the CPU."""
        ...

    def load(self, state: dict[str, Tensor]) -> None:
        """Restores what `state` gave."""
        ...


class KnowsPosition(Protocol):
    """A source of samples, as checkpoints see it."""

    position: int


@dataclass(frozen=True)
class Kept:
    """What a checkpoint holds, by name.

    Attributes:
        networks: Networks that are trained.
        learners: Their optimisers.
        averages: Running averages.
    """

    networks: Mapping[str, HasWeights]
    learners: Mapping[str, HasState]
    averages: Mapping[str, RunningAverage]

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Everything, whole and on the CPU; every process must ask."""
        groups = {
            f"weights-{name}": network.weights(trained_only=True) for name, network in self.networks.items()
        }
        groups |= {f"optimizer-{name}": learner.state() for name, learner in self.learners.items()}
        groups |= {f"average-{name}": average.weights() for name, average in self.averages.items()}
        return {name: group for name, group in groups.items() if group}

    def load(self, groups: Mapping[str, dict[str, Tensor]], rounds: int) -> None:
        """Restores what `tensors` gave."""
        for name, network in self.networks.items():
            network.load(groups.get(f"weights-{name}", {}))
        for name, learner in self.learners.items():
            learner.load(groups.get(f"optimizer-{name}", {}))
        for name, average in self.averages.items():
            average.load(groups.get(f"average-{name}", {}))
            average.updates = rounds


class TrainingLoop:
    """Runs a stage until its budget is used.

    Args:
        stage: What is run.
        kept: What its checkpoints hold.
        settings: Budget, learning rate, intervals.
        record: The whole configuration; a checkpoint of another one is refused.
        out: The stage's folder.
        place: This process.
        picture: Makes sample pictures; called on all processes, at intervals and at the end.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        stage: Stage,
        kept: Kept,
        settings: LoopSettings,
        *,
        record: Mapping[str, Any],
        out: Path,
        place: Place,
        picture: Callable[[Curves], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage, self.kept, self.settings = stage, kept, settings
        self.record, self.out, self.place = dict(record), out, place
        self.curves = Curves()
        self.rounds = 0
        self._picture, self._clock = picture, clock
        self._before = 0.0
        self._begin = clock()

    @property
    def seconds(self) -> float:
        """Training time of all runs of this stage."""
        return self._before + self._clock() - self._begin

    @property
    def fraction(self) -> float:
        """Part of the budget that is used, 0..1."""
        budget = self.settings.budget
        if budget.minutes is not None:
            return min(self.seconds / (60 * budget.minutes), 1.0)
        return min(self.rounds / (budget.steps or 1), 1.0)

    def resume(self) -> bool:
        """Goes on from the last checkpoint in the stage's folder.

        Returns:
            Whether there was one.

        Raises:
            ValueError: If it was made with other settings.
        """
        found = load_progress(self.out, self.record)
        if found is None:
            return False
        progress, groups = found
        self.rounds, self._before = progress.rounds, progress.seconds
        self.stage.source.position = progress.position
        self.curves = Curves(progress.seconds)
        self.curves.rows.extend(progress.curves)
        self.kept.load(groups, self._updates(progress.rounds))
        return True

    def run(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Runs until the budget is used or ``stop`` says so; leaves a checkpoint either way."""
        intervals = self.settings
        log, save, picture = (
            Every(s, self._clock) for s in (intervals.log_s, intervals.checkpoint_s, intervals.picture_s)
        )
        self._begin = self._clock()
        # By the leading process's clock: all must stop after the same round.
        while self.place.agree(self.fraction < 1.0 and not stop()):
            values = self.stage.round(self.rounds, rate_factor(self.settings.rate_schedule, self.fraction))
            self.rounds += 1
            self.curves.add(self.rounds, **values)
            if self.place.agree(log()):
                self._log()
            if self.place.agree(save()):
                self.save()
            if self._picture is not None and self.place.agree(picture()):
                self.curves.flush()
                self._picture(self.curves)
        self._log()
        self.save()
        if self._picture is not None:
            self._picture(self.curves)

    def save(self) -> None:
        """Writes a checkpoint; all processes take part, the leading one writes."""
        self.curves.flush()
        groups = self.kept.tensors()
        if self.place.leads:
            progress = Progress(
                self.rounds, self.stage.source.position, self.seconds, self.record, self.curves.rows
            )
            save_progress(self.out, progress, groups)
        self.place.wait()

    def _log(self) -> None:
        row = self.curves.flush()
        if row and self.place.leads:
            part = f"{100 * self.fraction:5.1f} %"
            print(f"{self.stage.name} {part} {self.seconds:7.1f} s  {describe(row)}", flush=True)

    def _updates(self, rounds: int) -> int:
        """Updates of the student in so many rounds; averages count them."""
        count = getattr(self.stage, "student_updates", None)
        return int(count(rounds)) if count else rounds


def rate_factor(schedule: RateSchedule, fraction: float) -> float:
    """What the learning rates are scaled by at a part of the budget."""
    if schedule.kind == "constant":
        return max(fraction / schedule.warmup, 1e-3) if fraction < schedule.warmup else 1.0
    return warmup_linear(fraction, warmup=schedule.warmup, hold=schedule.hold, floor=schedule.floor)
