# SPDX-License-Identifier: Apache-2.0
"""Stage S2.1: the teacher's weights learn to work causally, chunk by chunk, over the dual cache.

Published: regression onto trajectories of the bidirectional teacher. Done here: flow matching with teacher
forcing (every chunk sees the true chunks before it), half of the times from the few-step list. A
bidirectional trajectory ends at a picture that also depends on the noise of chunks still to come, which a
causal student cannot see and can only average over (Causal Forcing, arXiv 2602.02214); and where stories are
rendered without end, a true picture is cheaper than a sampled one. What regression would add, clean pictures
in few steps, distribution matching teaches right after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from shotstream_runtime.model import DualCache, FlowSchedule, Student
from torch import Tensor

from shotstream_training.budget import Budget, Every, warmup_linear
from shotstream_training.checkpoint import SHEET, save_stage
from shotstream_training.curves import Curves, describe
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.story_store import SampledShots, StoryStore
from shotstream_training.device import autocast
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.distillation.rollout import Rollout, draw_noise
from shotstream_training.muon import MuonAdamW
from shotstream_training.networks import encode_captions, optimise_network
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.sheets import comparison_rows, save_sheet
from shotstream_training.workshop import Workshop


@dataclass(frozen=True, slots=True)
class CausalInitSettings:
    """Training of the causal initialisation.

    Attributes:
        batch: Samples per step.
        rate: Peak learning rate of matrices, by Muon.
        other_rate: Of the rest, by AdamW.
        few_step_share: Share of chunks whose time comes from the few-step list.
        drop_context: Share of samples whose context is dropped.
        drop_text: Share of samples whose captions are dropped.
        train_text: Whether the text side learns along; else it stays as the teacher left it.
        own_history: Share of steps in which chunks before a chunk are the student's own estimates, so that
            shots do not get softer and softer. Only where captions tell all there is to see: what it drew may
            be soft, but it cannot be another picture than the true one, which stays the target.
        soften: Largest share of blur mixed into condition frames, for the same reason.
        subject_share: Of the loss that belongs to the cast, however small it is; the rest is for all alike.
    """

    batch: int = 64
    rate: float = 3e-3
    other_rate: float = 3e-4
    few_step_share: float = 0.5
    drop_context: float = 0.1
    drop_text: float = 0.1
    train_text: bool = False
    own_history: float = 0.0
    soften: float = 0.0
    subject_share: float = 0.0


class ShotSource:
    """Where samples come from, and how much of each shot is trained on.

    A shot's first chunks alone must read the caption; later ones can copy what they follow. Training on
    beginnings only costs a seventh of a whole shot.

    Args:
        store: Stories as latents.
        student: Sizes of the cache.
        chunks: Chunks from the shot's start.
        batch: Samples per step.
        producer: Renders more for this store; none: the workshop sees to it.
        arrivals: Stories taken in per step.
    """

    def __init__(
        self,
        store: StoryStore,
        student: Student,
        *,
        chunks: int,
        batch: int,
        producer: StoryProducer | None = None,
        arrivals: int = 0,
    ) -> None:
        self.store, self.batch = store, batch
        self._producer, self._arrivals = producer, arrivals
        self.frames = chunks * student.config.frames_per_chunk
        self.forced = ForcedPass(student, make_cache(student, batch, student.device), self.frames)

    def draw(self) -> SampledShots:
        """Samples of a step, after taking in what has been rendered."""
        if self._producer is not None:
            self.store.refill(self._producer, self._arrivals)
        return self.store.draw(self.batch).without_unread_captions()


class CausalInitTrainer:
    """One training run.

    Args:
        settings: Rates and sizes.
        student: The network to be trained.
        workshop: Data, codec, text side.
        seed: Seed of noise and times.
        sources: Where samples come from and how often; whole shots of the workshop by default.
    """

    def __init__(
        self,
        settings: CausalInitSettings,
        student: Student,
        workshop: Workshop,
        seed: int,
        sources: Sequence[tuple[ShotSource, float]] = (),
    ) -> None:
        self.settings, self.student, self.workshop = settings, student, workshop
        self.schedule = FlowSchedule(student.config.timestep_shift, student.config.denoising_steps)
        self.generator = torch.Generator(workshop.device).manual_seed(seed + 1)
        self._few = torch.tensor(self.schedule.steps, device=workshop.device) / 1000
        if not sources:
            chunks = student.config.local_window_frames // student.config.frames_per_chunk
            sources = ((ShotSource(workshop.store, student, chunks=chunks, batch=settings.batch), 1.0),)
        self.sources, shares = zip(*sources, strict=True)
        self._shares = torch.tensor(shares)
        self._choice = torch.Generator().manual_seed(seed)
        self.text = workshop.text.train(settings.train_text).requires_grad_(settings.train_text)
        learning = (self.text,) if settings.train_text else ()
        self.optimizer: MuonAdamW = optimise_network(student, settings.rate, settings.other_rate, *learning)
        self.curves = Curves()
        self.steps = 0

    def loss(self, batch: NextShotBatch, forced: ForcedPass) -> Tensor:
        """Flow matching, every chunk at a time of its own, true chunks before it."""
        size, frames = batch.target.shape[:2]
        forced.fill(batch, batch.target)
        own = self.settings.own_history
        if own and frames > self.student.config.frames_per_chunk and self._chance(1, own).item():
            forced.fill(batch, self._estimate(batch, forced))
        sigma = self._sigmas(size, frames)
        wide = sigma[:, :, None, None, None]
        noise = torch.randn(batch.target.shape, generator=self.generator, device=batch.target.device)
        noisy = (1 - wide) * batch.target + wide * noise
        flow = forced.flow(batch, noisy, 1000 * sigma)
        error = (flow - (noise - batch.target)).square().mean(dim=2)
        return (error * latent_weights(batch.subject, self.settings.subject_share)).mean()

    def step(self, factor: float) -> None:
        """One optimiser step."""
        settings = self.settings
        chosen = torch.multinomial(self._shares, 1, generator=self._choice)
        source: ShotSource = self.sources[int(chosen)]
        with autocast(self.workshop.device):
            batch = encode_captions(source.draw(), self.text).beginning(source.frames)
            batch = replace(batch, context=self._softened(batch.context))
            batch = batch.without_context(self._chance(source.batch, settings.drop_context))
            batch = batch.without_text(self._chance(source.batch, settings.drop_text))
            loss = self.loss(batch, source.forced)
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.optimizer.parameters, 1.0)
        self.optimizer.scale_rates(factor)
        self.optimizer.step()
        self.steps += 1
        self.curves.add(self.steps, gradient=norm, **{f"loss_{source.frames}": loss})

    @torch.no_grad()
    def _estimate(self, batch: NextShotBatch, forced: ForcedPass) -> Tensor:
        """Clean estimates of all chunks from the times of the few-step list, true chunks before them."""
        size, frames = batch.target.shape[:2]
        chunk = self.student.config.frames_per_chunk
        shape = (size, frames // chunk)
        chosen = torch.randint(len(self._few), shape, generator=self.generator, device=self._few.device)
        sigma = self._few[chosen].repeat_interleave(chunk, dim=1)
        wide = sigma[:, :, None, None, None]
        noise = torch.randn(batch.target.shape, generator=self.generator, device=batch.target.device)
        noisy = (1 - wide) * batch.target + wide * noise
        return noisy - wide * forced.flow(batch, noisy, 1000 * sigma)

    def _sigmas(self, size: int, frames: int) -> Tensor:
        chunk = self.student.config.frames_per_chunk
        shape = (size, frames // chunk)
        device = self.workshop.device
        shift = self.student.config.timestep_shift
        uniform = 1 - torch.rand(shape, generator=self.generator, device=device)
        spread = shift * uniform / (1 + (shift - 1) * uniform)
        listed = self._few[torch.randint(len(self._few), shape, generator=self.generator, device=device)]
        few = torch.rand(shape, generator=self.generator, device=device) < self.settings.few_step_share
        return torch.where(few, listed, spread).repeat_interleave(chunk, dim=1)

    def _softened(self, context: Tensor) -> Tensor:
        """Condition latents ``[b, c, channels, h, w]`` with up to the largest share of blur."""
        if not self.settings.soften:
            return context
        blurred = F.avg_pool2d(context.flatten(0, 1), 3, 1, 1, count_include_pad=False).view_as(context)
        shape = (len(context), 1, 1, 1, 1)
        share = torch.rand(shape, generator=self.generator, device=context.device)
        return torch.lerp(context, blurred, self.settings.soften * share)

    def _chance(self, count: int, share: float) -> Tensor:
        return torch.rand(count, generator=self.generator, device=self.workshop.device) < share


def latent_weights(subject: Tensor | None, share: float) -> Tensor | float:
    """Weights of latents ``[b, f, h, w]`` whose mean over each sample is 1.

    Args:
        subject: Where the cast is, 0 to 1; none: all latents count alike.
        share: Part of each sample's weight that is spread over its cast alone.
    """
    if subject is None or not share:
        return 1.0
    mean = subject.mean(dim=(1, 2, 3), keepdim=True)
    # A sample that shows nobody has no such part.
    return torch.where(mean > 0, 1 - share + share * subject / mean.clamp(min=1e-3), 1.0)


def make_cache(student: Student, batch: int, device: torch.device) -> DualCache:
    """A dual cache for a training batch, 16-bit where passes are."""
    return DualCache(
        student.config,
        tokens_per_frame=student.config.tokens_per_frame(10, 16),
        batch=batch,
        device=device,
        dtype=torch.bfloat16 if device.type == "cuda" or torch.is_autocast_enabled("cpu") else torch.float32,
    )


def train_causal_init(
    settings: CausalInitSettings,
    student: Student,
    workshop: Workshop,
    *,
    budget: Budget,
    out: Path,
    seed: int,
    sources: Sequence[tuple[ShotSource, float]] = (),
) -> None:
    """Trains by the clock and leaves the causal student in ``out``."""
    trainer = CausalInitTrainer(settings, student, workshop, seed, sources)
    budget.start_training()
    log, picture = Every(10.0), Every(120.0)
    while budget.training:
        trainer.step(warmup_linear(budget.fraction, warmup=0.05, hold=0.3))
        workshop.refill(trainer.steps)
        if log():
            print(f"causal-init {budget.elapsed:6.1f} s  {describe(trainer.curves.flush())}", flush=True)
        if picture():
            save_causal_init(trainer, out)
    save_causal_init(trainer, out)
    workshop.text.eval().requires_grad_(False)


def save_causal_init(trainer: CausalInitTrainer, out: Path) -> None:
    """Writes checkpoint, record and a sheet of rollouts."""
    trainer.curves.flush()
    student, workshop = trainer.student, trainer.workshop
    record = {
        "stage": "causal-init",
        "student_config": student.config.to_dict(),
        "settings": asdict(trainer.settings),
        "steps": trainer.steps,
        "curves": trainer.curves.record(),
    }
    save_stage(out, {"student": student.state_dict(), "text": workshop.text.state_dict()}, record)
    save_rollout_sheet(student, workshop, out, trainer.curves)


def save_rollout_sheet(student: Student, workshop: Workshop, out: Path, curves: Curves) -> None:
    """Rolls held-out shots out in four steps, true context; the truth above each."""
    batch = workshop.judged_batch()
    schedule = FlowSchedule(student.config.timestep_shift, student.config.denoising_steps)
    cache = make_cache(student, len(batch), workshop.device)
    noise = draw_noise(batch, len(schedule.steps), torch.Generator(workshop.device).manual_seed(1))
    with autocast(workshop.device):
        result = Rollout(student, cache, schedule)(batch, noise, len(schedule.steps) - 1)
    save_sheet(out / SHEET, comparison_rows(workshop.codec, batch.target, result.clean), curves)
