# SPDX-License-Identifier: Apache-2.0
"""Stages S2.2 by configuration: self-forcing by distribution matching, within shots and across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from shotstream_runtime.model import FlowSchedule, Student
from torch import Tensor

from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.distillation.matching import matching_loss
from shotstream_training.distillation.rollout import Rollout, RolloutResult
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.clip_source import PixelCodec, ShotSource
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loss_stage import split
from shotstream_training.stages.mixture import WHOLE, Mixture
from shotstream_training.stages.network import RunningAverage, TrainedNetwork
from shotstream_training.stages.noise_levels import shifted
from shotstream_training.stages.scores import ScoreRule, matching_target, noised
from shotstream_training.stages.self_made import condition_latents, self_made_context
from shotstream_training.stages.settings import ForcingStageSettings, ShotPart
from shotstream_training.stages.shot_caches import ShotCaches


@dataclass(frozen=True)
class ForcingNetworks:
    """Who takes part.

    Attributes:
        student: The causal student.
        teacher: The real score, frozen.
        critic: The fake score.
    """

    student: TrainedNetwork
    teacher: TrainedNetwork
    critic: TrainedNetwork


@dataclass(frozen=True)
class _Turn:
    """One rollout of all parts of a batch, and who learns from it."""

    number: int
    shot: int
    exit_step: int
    student_learns: bool
    part: ShotPart


class ForcingStage:
    """Rollouts over the dual cache; the student's update once in a cycle, else the fake score's.

    Args:
        settings: The stage's settings.
        networks: Student and scores.
        learners: Of the student and of the fake score.
        source: Samples; across shots only their captions are used.
        rule: How scores are read.
        draws: Randomness.
        codec: Across shots: decodes what the student made and encodes what becomes context. Without one, the
            history is the truth and every round is a single turn.
        openings: First chunks of stories of a single shot, for parts that want them.
    """

    def __init__(
        self,
        settings: ForcingStageSettings,
        networks: ForcingNetworks,
        learners: tuple[Learner, Learner],
        source: ShotSource,
        rule: ScoreRule,
        draws: Draws,
        codec: PixelCodec | None = None,
        openings: ShotSource | None = None,
    ) -> None:
        self.settings, self.networks = settings, networks
        self.student_learner, self.critic_learner = learners
        self.source, self.rule, self.draws, self.codec = source, rule, draws, codec
        self.name = "inter" if codec else "intra"
        self.shots = settings.shots if codec else 1
        config, place = networks.student.inner.config, networks.student.place
        self.schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        self.average = RunningAverage(networks.student, settings.average)
        self._chunk = config.frames_per_chunk
        self.mixture = Mixture(settings.parts, settings.batch, source, openings, draws, self._chunk)
        self._caches = ShotCaches(config, source.size, place)

    def round(self, number: int, factor: float) -> dict[str, Tensor]:
        """One turn, or across shots one turn per shot of a story; each is an optimiser step."""
        part = self.mixture.part(number)
        groups = split(self.mixture.take(part), self.settings.micro_batch)
        histories: list[list[Tensor]] = [[] for _ in groups]
        values: dict[str, Tensor] = {}
        for shot in range(self.shots):
            turn = self.plan(number * self.shots + shot, shot, part)
            values |= self._turn(turn, groups, histories, factor)
        return values

    def plan(self, turn: int, shot: int = 0, part: ShotPart = WHOLE) -> _Turn:
        """What happens in a turn. The exit step is the same for all chunks, samples and processes."""
        exit_step = self.draws.shared_choice(len(self.schedule.steps), "exit", turn)
        return _Turn(turn, shot, exit_step, turn % (1 + self.settings.critic_updates) == 0, part)

    def student_updates(self, rounds: int) -> int:
        """Updates of the student in the first rounds."""
        return -(-rounds * self.shots // (1 + self.settings.critic_updates))

    def _turn(
        self,
        turn: _Turn,
        groups: Sequence[Sequence[int]],
        histories: Sequence[list[Tensor]],
        factor: float,
    ) -> dict[str, Tensor]:
        learner = self.student_learner if turn.student_learns else self.critic_learner
        pairs = zip(groups, histories, strict=True)
        values = learner.update([partial(self._loss, turn, group, made) for group, made in pairs], factor)
        if not turn.student_learns:
            return {"critic": values["loss"], "critic_gradient": values["gradient"]}
        self.average.update()
        return {"matching": values["loss"], "student_gradient": values["gradient"]}

    def _loss(self, turn: _Turn, places: Sequence[int], history: list[Tensor]) -> Tensor:
        batch = self.batch(places, history, turn)
        result = self.roll_out(batch, places, turn)
        if turn.shot + 1 < self.shots and self.codec is not None:
            history.append(condition_latents(self.codec, self.source.table, result.clean))
        if turn.student_learns:
            return self._student_loss(turn, places, batch, result)
        return self._critic_loss(turn, places, batch, result.clean)

    @torch.no_grad()
    def batch(self, places: Sequence[int], history: list[Tensor], turn: _Turn) -> NextShotBatch:
        """The samples; across shots with context out of self-made pixels, none before the first shot."""
        if self.codec is None:
            return self.mixture.samples(turn.part, places)
        batch = self.source.shot_of_stories(places, turn.shot)
        if not self.source.uses_context:
            return batch
        return replace(batch, context=self_made_context(self.source.table, history, batch))

    def roll_out(self, batch: NextShotBatch, places: Sequence[int], turn: _Turn) -> RolloutResult:
        """The student's own generation, without gradient; leaves its caches filled."""
        shape = (len(self.schedule.steps), *batch.target.shape[1:])
        noise = self.draws.normal(places, shape, "rollout", turn.number).transpose(0, 1)
        with self.networks.student.whole() as student:
            cache = self._caches.of(len(batch))
            return Rollout(student, cache, self.schedule)(batch, noise, turn.exit_step)

    def _student_loss(
        self, turn: _Turn, places: Sequence[int], batch: NextShotBatch, result: RolloutResult
    ) -> Tensor:
        time = self.schedule.steps[turn.exit_step]
        sigma_exit = self.schedule.sigma(time)

        def exit_call(student: Student) -> Tensor:
            # Each chunk depends on the weights through its call at the exit step alone.
            forced = ForcedPass(student, self._caches.of(len(batch)), result.entering.shape[1])
            flow = forced.flow(batch, result.entering, time)
            return result.entering - sigma_exit * flow

        clean = self.networks.student(exit_call).float()
        with torch.no_grad():
            sigma, noisy, _ = self._noised(turn, places, clean)
            judged = replace(batch, target=clean.detach())
            silent = self.rule.unguided(judged)
            real, unguided = (
                self.networks.teacher(lambda network, b=b: self.rule.clean(network, b, noisy, sigma))
                for b in (judged, silent)
            )
            fake = self.networks.critic(lambda network: self.rule.clean(network, judged, noisy, sigma))
            direction = matching_target(real, unguided, fake, clean, self.settings.guidance)
        return matching_loss(clean, direction)

    def _critic_loss(self, turn: _Turn, places: Sequence[int], batch: NextShotBatch, clean: Tensor) -> Tensor:
        sigma, noisy, noise = self._noised(turn, places, clean)
        judged = replace(batch, target=clean)

        def error(critic: Student) -> Tensor:
            flow = self.rule.flow(critic, judged, noisy, 1000 * sigma)
            return (flow - (noise - clean)).square().mean()

        loss: Tensor = self.networks.critic(error)
        return loss

    def _noised(self, turn: _Turn, places: Sequence[int], clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Times uniform over the shifted table, clamped: one per sample, or one per chunk."""
        count = clean.shape[1] // self._chunk if self.rule.per_chunk else 1
        uniform = self.draws.uniform(places, (count,), "score time", turn.number)
        low, high = self.settings.time_range
        sigma = shifted(uniform, self.networks.student.inner.config.timestep_shift)
        sigma = sigma.clamp(low / 1000, high / 1000)
        sigma = sigma.repeat_interleave(self._chunk, dim=1) if self.rule.per_chunk else sigma[:, 0]
        noise = self.draws.normal(places, clean.shape[1:], "score noise", turn.number)
        return sigma, noised(clean.detach(), noise, sigma), noise
