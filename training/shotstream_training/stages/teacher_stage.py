# SPDX-License-Identifier: Apache-2.0
"""Stage S1 by configuration: the bidirectional next-shot teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from shotstream_runtime.model import FlowSchedule, Student
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.clip_source import ShotSource
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loss_stage import LossStage
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.noise_levels import bell_weights, stratified_sigmas, table_rows
from shotstream_training.stages.scores import ScoreRule, noised
from shotstream_training.stages.settings import TeacherStageSettings


@dataclass(frozen=True)
class NoiseLevel:
    """Where samples are trained.

    Attributes:
        sigma: ``[b]``.
        weight: How much each counts ``[b]``.
    """

    sigma: Tensor
    weight: Tensor


class TeacherStage(LossStage[TeacherStageSettings]):
    """Flow matching over the target frames, clean context in front.

    Args:
        settings: The stage's settings.
        network: The network; `freeze_for_teacher` has chosen what of it is trained.
        learner: Moves the network, and the text side where that learns along.
        source: Samples.
        rule: How the network is called.
        draws: Randomness.
    """

    name = "teacher"

    def __init__(
        self,
        settings: TeacherStageSettings,
        network: TrainedNetwork,
        learner: Learner,
        source: ShotSource,
        rule: ScoreRule,
        draws: Draws,
    ) -> None:
        self.settings, self.network, self.learner = settings, network, learner
        self.source, self.rule, self.draws = source, rule, draws
        config = network.inner.config
        self._schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        self._weights = bell_weights(self._schedule)

    def loss(self, places: Sequence[int]) -> Tensor:
        """The weighted squared error of the flow, mean over samples."""
        batch = self.dropped(self.source.samples(places), places)
        level = self.noise_level(places)
        noise = self.draws.normal(places, batch.target.shape[1:], "noise")
        noisy = noised(batch.target, noise, level.sigma)
        loss: Tensor = self.network(lambda network: self._error(network, batch, noisy, noise, level))
        return loss

    def dropped(self, batch: NextShotBatch, places: Sequence[int]) -> NextShotBatch:
        """Drops context and captions, each of its own share of samples."""
        settings = self.settings
        batch = batch.without_context(self.draws.chosen(places, settings.drop_context, "drop context"))
        return batch.without_text(self.draws.chosen(places, settings.drop_text, "drop text"))

    def noise_level(self, places: Sequence[int]) -> NoiseLevel:
        """Times uniform over the shifted table, and their weights."""
        uniform = self.draws.uniform(places, (1,), "time")[:, 0]
        if self.settings.times == "stratified":
            strata = torch.tensor([place % self.settings.batch for place in places], device=uniform.device)
            shift = self.network.inner.config.timestep_shift
            sigma = stratified_sigmas(uniform, strata, self.settings.batch, shift)
            rows = self._nearest(sigma)
        else:
            rows = table_rows(uniform, self._schedule)
            sigma = self._schedule.sigmas.to(uniform.device)[rows]
        if self.settings.weighting == "none":
            return NoiseLevel(sigma, torch.ones_like(sigma))
        return NoiseLevel(sigma, self._weights.to(uniform.device)[rows])

    def _nearest(self, sigma: Tensor) -> Tensor:
        # The table falls; searchsorted wants it rising.
        rising = self._schedule.sigmas.to(sigma.device).flip(0)
        return (len(rising) - 1 - torch.searchsorted(rising, sigma.contiguous())).clamp(0, len(rising) - 1)

    def _error(
        self, network: Student, batch: NextShotBatch, noisy: Tensor, noise: Tensor, level: NoiseLevel
    ) -> Tensor:
        flow = self.rule.flow(network, batch, noisy, 1000 * level.sigma)
        error = (flow - (noise - batch.target)).square().mean(dim=(1, 2, 3, 4))
        return (level.weight * error).mean()


def freeze_for_teacher(network: Student, trained: str) -> None:
    """Chooses what S1 trains: ``all``, or ``self_attention`` of the blocks only, as published."""
    network.requires_grad_(trained == "all")
    if trained == "self_attention":
        for block in network.blocks:
            block.self_attn.requires_grad_(True)
