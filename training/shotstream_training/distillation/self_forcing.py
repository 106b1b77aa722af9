# SPDX-License-Identifier: Apache-2.0
"""Stages S2.2: self-forcing by distribution matching, within shots and then across them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from shotstream_runtime.model import FlowSchedule, Student
from torch import Tensor

from shotstream_training.budget import Budget, Every, warmup_linear
from shotstream_training.curves import Curves, describe
from shotstream_training.data.story_store import StoryStore
from shotstream_training.device import autocast, compile_blocks
from shotstream_training.distillation.causal_init import make_cache
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.distillation.matching import flow_loss, generator_loss
from shotstream_training.distillation.rollout import Rollout, RolloutResult, draw_noise, shared_exit_step
from shotstream_training.distillation.updates import apply_gradient, follow, save_average
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.networks import clone, encode_captions, share_compilation
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.workshop import Workshop


@dataclass(frozen=True, slots=True)
class SelfForcingSettings:
    """Training of both self-forcing stages.

    Attributes:
        batch: Samples per step.
        generator_rate: Learning rate of the student.
        critic_rate: Learning rate of the fake score.
        critic_updates: Updates of the fake score per update of the student. The paper makes five; three keep
            up with a student of 8 M parameters and leave it more updates in the same minutes.
        guidance: Guidance of the real score, ``c + guidance (c - u)``.
        average: Decay of the running average of the student's weights that is kept. The paper keeps none over
            hundreds of updates at tiny rates; a short run at larger rates ends wherever its last steps fell.
        compile: Whether to compile the scores' blocks.
    """

    batch: int = 64
    generator_rate: float = 5e-5
    critic_rate: float = 1e-4
    critic_updates: int = 3
    guidance: float = 2.0
    average: float = 0.98
    compile: bool = True


class SelfForcingTrainer:
    """Student, real score and fake score.

    Args:
        settings: Rates and sizes.
        student: The causal student to be trained.
        teacher: The real score; frozen here. The fake score starts as its copy.
        workshop: Data, codec, text side.
        seed: Seed of noise, times and exit steps.
    """

    def __init__(
        self,
        settings: SelfForcingSettings,
        student: Student,
        teacher: Student,
        workshop: Workshop,
        seed: int,
    ) -> None:
        self.settings, self.student, self.workshop = settings, student, workshop
        device = workshop.device
        self.teacher = teacher.requires_grad_(False)
        self.critic = clone(teacher).requires_grad_(True)
        share_compilation(self.teacher)
        share_compilation(self.critic)
        self.average = clone(student).requires_grad_(False)
        # Rollouts carry no gradient: a 16-bit copy saves every cast.
        self._player = clone(student).requires_grad_(False)
        if device.type == "cuda":
            self._player.to(torch.bfloat16)
        self.schedule = FlowSchedule(student.config.timestep_shift, student.config.denoising_steps)
        self.cache = make_cache(student, settings.batch, device)
        self._forced = ForcedPass(student, self.cache, student.config.local_window_frames)
        self.generator = torch.Generator(device).manual_seed(seed + 2)
        self.exits = torch.Generator().manual_seed(seed + 3)
        fused = device.type == "cuda"
        self._student_optimizer = torch.optim.AdamW(
            student.parameters(),
            lr=settings.generator_rate,
            betas=(0.0, 0.999),
            weight_decay=0.01,
            fused=fused,
        )
        self._critic_optimizer = torch.optim.AdamW(
            self.critic.parameters(),
            lr=settings.critic_rate,
            betas=(0.0, 0.999),
            weight_decay=0.01,
            fused=fused,
        )
        self.curves = Curves()
        self.turns = 0
        self.updates = 0

    def compile_scores(self, batch: NextShotBatch) -> None:
        """Compiles the blocks of both scores, trying them on a batch."""
        for network in (self.teacher, self.critic):
            compile_blocks(
                network.blocks, lambda: self._critic_loss(batch, batch.target), enabled=self.settings.compile
            )

    def turn(self, batch: NextShotBatch, factor: float) -> Tensor:
        """One rollout and one update: the student's at every cycle's start, else the fake score's.

        Args:
            batch: Context, flags and captions; the target is not looked at.
            factor: Scales the learning rates.

        Returns:
            The rollout's clean latents, without gradient.
        """
        learns = self.turns % (1 + self.settings.critic_updates) == 0
        self.turns += 1
        exit_step = shared_exit_step(self.schedule.steps, self.exits)
        result = self.roll_out(batch, exit_step)
        if learns:
            self._update_student(batch, result, exit_step, factor)
        else:
            self._update_critic(batch, result.clean, factor)
        return result.clean

    @torch.no_grad()
    def roll_out(self, batch: NextShotBatch, exit_step: int) -> RolloutResult:
        """The student's own generation; leaves its caches filled."""
        noise = draw_noise(batch, len(self.schedule.steps), self.generator)
        return Rollout(self._player, self.cache, self.schedule)(batch, noise, exit_step)

    def exit_estimate(self, batch: NextShotBatch, result: RolloutResult, exit_step: int) -> Tensor:
        """The clean estimates of all chunks at the exit step, with gradient, over the caches just filled.

        Each chunk depends on the weights through its own call alone; what it reads of the context and of
        earlier chunks was written without gradient.
        """
        time = self.schedule.steps[exit_step]
        flow = self._forced.flow(batch, result.entering, time)
        return result.entering - self.schedule.sigma(time) * flow

    def _update_student(
        self, batch: NextShotBatch, result: RolloutResult, exit_step: int, factor: float
    ) -> None:
        with autocast(self.workshop.device):
            clean = self.exit_estimate(batch, result, exit_step)
            loss = generator_loss(
                clean.float(),
                batch,
                teacher=self.teacher,
                critic=self.critic,
                shift=self.student.config.timestep_shift,
                scale=self.settings.guidance,
                generator=self.generator,
            )
        norm = apply_gradient(loss, self._student_optimizer, self.settings.generator_rate * factor, 1.0)
        with torch.no_grad():
            pairs = list(zip(self.student.parameters(), self._player.parameters(), strict=True))
            for parameter, copied in pairs:
                copied.copy_(parameter)
        follow(self.average, self.student, self.settings.average, self.updates)
        self.updates += 1
        self.curves.add(self.turns, matching=loss, student_gradient=norm)

    def _update_critic(self, batch: NextShotBatch, clean: Tensor, factor: float) -> None:
        loss = self._critic_loss(batch, clean)
        norm = apply_gradient(loss, self._critic_optimizer, self.settings.critic_rate * factor, 10.0)
        self.curves.add(self.turns, critic=loss, critic_gradient=norm)

    def _critic_loss(self, batch: NextShotBatch, clean: Tensor) -> Tensor:
        with autocast(self.workshop.device):
            return flow_loss(self.critic, batch, clean, self.student.config.timestep_shift, self.generator)


def train_intra(trainer: SelfForcingTrainer, *, budget: Budget, out: Path) -> None:
    """S2.2.1: history is the truth."""
    _run(trainer, "intra", budget, out, lambda factor: _intra_round(trainer, factor))


def train_inter(trainer: SelfForcingTrainer, *, shots: int, budget: Budget, out: Path) -> None:
    """S2.2.2: history is what the student itself has made.

    All weights are trained: LoRA of rank 256, as published, would be of full rank at mini's width.
    """
    _run(trainer, "inter", budget, out, lambda factor: _inter_round(trainer, shots, factor))


def _intra_round(trainer: SelfForcingTrainer, factor: float) -> None:
    trainer.turn(trainer.workshop.batch(trainer.settings.batch), factor)


def _inter_round(trainer: SelfForcingTrainer, shots: int, factor: float) -> None:
    workshop = trainer.workshop
    first = workshop.store.draw_stories(trainer.settings.batch, shots)
    history: list[Tensor] = []
    for shot in range(shots):
        with torch.no_grad():
            batch = encode_captions(workshop.store.at(first + shot), workshop.text)
            batch = replace(batch, context=self_made_context(workshop.store, history, batch))
        clean = trainer.turn(batch, factor)
        if shot + 1 < shots:
            history.append(condition_latents(workshop.codec, workshop.store, clean))


def condition_latents(codec: LatentCodec, store: StoryStore, latents: Tensor) -> Tensor:
    """Decodes a shot and encodes anew, each alone, the frames that may become context.

    Args:
        codec: The autoencoder.
        store: Knows which frames those are.
        latents: ``[b, f, channels, h, w]``.

    Returns:
        ``[b, picks, channels, h, w]``.
    """
    parts = []
    for part in latents.split(16):
        frames = codec.decode(part, batch=16)[:, :, list(store.table.frames)].transpose(1, 2)
        parts.append(codec.encode_frames(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]))
    return torch.cat(parts)


def self_made_context(store: StoryStore, history: list[Tensor], batch: NextShotBatch) -> Tensor:
    """Context out of self-made frames, by the rule of the runtime; zeros before the first shot.

    Args:
        store: Knows the rule.
        history: `condition_latents` of every finished shot.
        batch: Of its context only the shape is used.
    """
    if not history:
        return torch.zeros_like(batch.context)
    done = len(history)
    shots, picks = store.table.shot[done].tolist(), store.table.pick[done].tolist()
    return torch.stack([history[shot][:, pick] for shot, pick in zip(shots, picks, strict=True)], dim=1)


def _run(
    trainer: SelfForcingTrainer, stage: str, budget: Budget, out: Path, round_: Callable[[float], None]
) -> None:
    budget.start_training()
    log, picture = Every(10.0), Every(60.0)
    rounds = 0
    while budget.training:
        round_(warmup_linear(budget.fraction, warmup=0.03, hold=0.6, floor=0.2))
        rounds += 1
        trainer.workshop.refill(rounds)
        if log():
            row = describe(trainer.curves.flush())
            print(f"{stage} {budget.elapsed:6.1f} s  updates {trainer.updates}  {row}", flush=True)
        if picture():
            save_student(trainer, stage, out)
    save_student(trainer, stage, out)


def save_student(trainer: SelfForcingTrainer, stage: str, out: Path) -> None:
    """Writes checkpoint (the running average), record and a sheet of rollouts."""
    record = {
        "stage": stage,
        "settings": asdict(trainer.settings),
        "turns": trainer.turns,
        "student_updates": trainer.updates,
    }
    save_average(trainer.average, trainer.workshop, trainer.curves, out, record)
