# SPDX-License-Identifier: Apache-2.0
"""Stage S2.1 as published: regression onto trajectories of the teacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch, causal_frame_mask
from shotstream_training.stages.clip_source import ShotSource
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loss_stage import LossStage
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.noise_levels import trajectory_times
from shotstream_training.stages.scores import ScoreRule
from shotstream_training.stages.settings import CausalInitStageSettings, TrajectorySettings
from shotstream_training.stages.trajectories import (
    TrajectoryStore,
    mixed_states,
    regression_loss,
    sample_trajectory,
)


def fill_trajectories(
    settings: TrajectorySettings,
    teacher: TrainedNetwork,
    source: ShotSource,
    rule: ScoreRule,
    draws: Draws,
    folder: Path,
    *,
    made_with: dict[str, object],
    report: Callable[[str], None] = print,
) -> TrajectoryStore:
    """Samples the trajectories that are missing, shared among processes; may be interrupted at any time.

    Trajectory number ``n`` belongs to place ``n`` of the source's order and to noise of its own, so that
    what is sampled later is what would have been sampled at once.

    Args:
        settings: How many, and how.
        teacher: The finished teacher.
        source: Gives the samples whose targets are made anew.
        rule: How the teacher is read.
        draws: Randomness.
        folder: Where they are kept.
        made_with: What else decides how they come out: teacher, data, seed.
        report: Gets lines of progress.
    """
    place = teacher.place
    recipe = {**settings.model_dump(mode="json", exclude={"pairs", "batch"}), **made_with}
    if place.leads:
        TrajectoryStore(folder, recipe)
    place.wait()
    store = TrajectoryStore(folder, recipe)
    missing = store.missing(settings.pairs)
    place.wait()
    # Every process makes the same number of passes, the last of them perhaps for nothing: shared weights are
    # gathered by all.
    share = -(-len(missing) // (place.world * settings.batch)) * settings.batch
    padded = missing + missing[:1] * (share * place.world - len(missing))
    wanted = set(missing)
    own = padded[place.rank * share : (place.rank + 1) * share]
    for done in range(0, share, settings.batch):
        numbers = own[done : done + settings.batch]
        batch = source.samples(numbers)
        noise = draws.normal(numbers, batch.target.shape[1:], "trajectory")
        with teacher.whole() as network:
            states = sample_trajectory(
                network,
                batch,
                noise,
                rule,
                steps=settings.steps,
                kept=settings.kept,
                guidance=settings.guidance,
            )
        for row, number in enumerate(numbers):
            if number in wanted:
                store.save(number, batch, row, states[row])
        if place.leads and (done // settings.batch) % 10 == 0:
            left = (share - done - len(numbers)) * place.world
            report(f"trajectories: {max(settings.pairs - left, 0)} of {settings.pairs}")
    place.wait()
    return store


class RegressionStage(LossStage[CausalInitStageSettings]):
    """The published form: every chunk in one of a trajectory's states, the causal mask over all of them.

    Args:
        settings: The stage's settings.
        network: The student, with the teacher's weights.
        learner: Moves it.
        store: Trajectories.
        source: Keeps the count of places shown.
        draws: Randomness.
    """

    name = "causal-init"

    def __init__(
        self,
        settings: CausalInitStageSettings,
        network: TrainedNetwork,
        learner: Learner,
        store: TrajectoryStore,
        source: ShotSource,
        draws: Draws,
    ) -> None:
        if settings.trajectories is None:
            raise ValueError("method: regression needs trajectories")
        self.settings, self.network, self.learner = settings, network, learner
        self.store, self.source, self.draws = store, source, draws
        config = network.inner.config
        self._pairs, kept = settings.trajectories.pairs, list(settings.trajectories.kept)
        times = trajectory_times(settings.trajectories.steps, config.timestep_shift)
        self.times = torch.cat((times[kept], times[-1:]))
        self._chunk = config.frames_per_chunk

    def loss(self, places: Sequence[int]) -> Tensor:
        """Squared error of the clean estimates at the chunks that are noisy."""
        device = self.network.place.device
        batch, states = self.store.load(self._numbers(places), device)
        batch = batch.without_text(self.draws.chosen(places, self.settings.drop_text, "drop text"))
        chunks = states.shape[2] // self._chunk
        uniform = self.draws.uniform(places, (chunks,), "state")
        choice = (uniform * len(self.times)).long().clamp_max(len(self.times) - 1)
        latents, times = mixed_states(states, self.times, choice, self._chunk)
        loss: Tensor = self.network(lambda network: self._error(network, batch, latents, times))
        return loss

    def _numbers(self, places: Sequence[int]) -> list[int]:
        """Trajectories at these places: a permutation in every pass over all of them."""
        numbers = []
        for place in places:
            epoch, offset = divmod(place, self._pairs)
            generator = torch.Generator().manual_seed(self.draws.seed + epoch)
            numbers.append(int(torch.randperm(self._pairs, generator=generator)[offset]))
        return numbers

    def _error(self, network: Student, batch: NextShotBatch, latents: Tensor, times: Tensor) -> Tensor:
        context, frames = batch.context.shape[1], latents.shape[1]
        mask = causal_frame_mask(context, frames, self._chunk).to(latents.device)
        flow = network.forward_sequence(
            torch.cat((batch.context, latents), dim=1),
            torch.cat((times.new_zeros(len(batch), context), times), dim=1),
            batch.embeds,
            batch.caption_index,
            batch.positions,
            batch.flags,
            mask,
        )
        return regression_loss(flow[:, context:].float(), latents, times, batch.target)
