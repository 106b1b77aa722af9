# SPDX-License-Identifier: Apache-2.0
"""Distribution matching with causal scores: self-forcing that fits a processor.

The paper's scores are bidirectional: they judge a whole shot at once. Here real and fake score are networks
like the student after its causal initialisation: they judge every chunk given the student's own chunks before
it. That needs no teacher but the initialised student itself, and a shot may be cut off after any chunk: what
its first chunk shows, everything after copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from shotstream_runtime.model import FlowSchedule, Student
from torch import Tensor

from shotstream_training.budget import Budget, Every, warmup_linear
from shotstream_training.curves import Curves, describe
from shotstream_training.device import autocast
from shotstream_training.distillation.causal_init import ShotSource, make_cache
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.distillation.matching import draw_sigma, guided, matching_direction, matching_loss
from shotstream_training.distillation.rollout import Rollout, RolloutResult, draw_noise, shared_exit_step
from shotstream_training.distillation.updates import apply_gradient, follow, save_average
from shotstream_training.networks import clone, encode_captions
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.workshop import Workshop


@dataclass(frozen=True, slots=True)
class CausalMatchingSettings:
    """Rates of student and fake score.

    Attributes:
        generator_rate: Learning rate of the student.
        critic_rate: Learning rate of the fake score.
        critic_updates: Updates of the fake score per update of the student.
        guidance: Guidance of the real score, ``c + guidance (c - u)``.
        average: Decay of the running average of the student's weights that is kept.
    """

    generator_rate: float = 5e-5
    critic_rate: float = 1e-4
    critic_updates: int = 2
    guidance: float = 1.0
    average: float = 0.98


class CausalScore:
    """Clean estimates of all chunks, each given clean chunks before it.

    Args:
        network: Real or fake score.
        source: Gives batch size and length.
    """

    def __init__(self, network: Student, source: ShotSource) -> None:
        cache = make_cache(network, source.batch, network.device)
        self._forced = ForcedPass(network, cache, source.frames)

    def flow(self, batch: NextShotBatch, history: Tensor, noisy: Tensor, sigma: Tensor) -> Tensor:
        """The flow of noisy chunks, with gradient where it is enabled.

        Args:
            batch: Context, flags and captions.
            history: Clean chunks ``[b, f, channels, h, w]``; chunk j sees those before j.
            noisy: Same shape.
            sigma: ``[b, f]``, alike within a chunk.
        """
        self._forced.fill(batch, history)
        return self._forced.flow(batch, noisy, 1000 * sigma)

    def clean(self, batch: NextShotBatch, history: Tensor, noisy: Tensor, sigma: Tensor) -> Tensor:
        """The clean estimate; arguments as `flow`."""
        return noisy - _wide(sigma) * self.flow(batch, history, noisy, sigma)


class CausalMatchingTrainer:
    """Student, real score and fake score, which all start from one causally initialised network.

    Args:
        settings: Rates.
        student: The network to be trained.
        teacher: The real score; frozen here.
        workshop: Data, codec, text side.
        sources: Where samples come from, made for this student, with how often each is drawn.
        seed: Seed of noise, times, exit steps and sources.
    """

    def __init__(
        self,
        settings: CausalMatchingSettings,
        student: Student,
        teacher: Student,
        workshop: Workshop,
        sources: Sequence[tuple[ShotSource, float]],
        seed: int,
    ) -> None:
        self.settings, self.student, self.workshop = settings, student, workshop
        self.teacher = teacher.requires_grad_(False)
        self.critic = clone(teacher).requires_grad_(True)
        self.average = clone(student).requires_grad_(False)
        self.schedule = FlowSchedule(student.config.timestep_shift, student.config.denoising_steps)
        self.sources, shares = zip(*sources, strict=True)
        self._shares = torch.tensor(shares)
        self._real = [CausalScore(self.teacher, source) for source in self.sources]
        self._fake = [CausalScore(self.critic, source) for source in self.sources]
        self.generator = torch.Generator(student.device).manual_seed(seed)
        self._shared = torch.Generator().manual_seed(seed)
        betas = {"betas": (0.0, 0.999), "weight_decay": 0.01}
        self._student_optimizer = torch.optim.AdamW(student.parameters(), settings.generator_rate, **betas)
        self._critic_optimizer = torch.optim.AdamW(self.critic.parameters(), settings.critic_rate, **betas)
        self.curves = Curves()
        self.turns = 0
        self.updates = 0

    def turn(self, factor: float) -> None:
        """One rollout and one update: the student's at every cycle's start, else the fake score's."""
        chosen = int(torch.multinomial(self._shares, 1, generator=self._shared))
        source: ShotSource = self.sources[chosen]
        learns = self.turns % (1 + self.settings.critic_updates) == 0
        exit_step = shared_exit_step(self.schedule.steps, self._shared)
        self.turns += 1
        with autocast(self.workshop.device):
            with torch.no_grad():
                batch = encode_captions(source.draw(), self.workshop.text).beginning(source.frames)
                noise = draw_noise(batch, len(self.schedule.steps), self.generator)
                result = Rollout(self.student, source.forced.cache, self.schedule)(batch, noise, exit_step)
            loss = (
                self._student_loss(batch, result, exit_step, chosen)
                if learns
                else self._critic_loss(batch, result.clean, chosen)
            )
        if learns:
            norm = apply_gradient(loss, self._student_optimizer, self.settings.generator_rate * factor, 1.0)
            follow(self.average, self.student, self.settings.average, self.updates)
            self.updates += 1
            self.curves.add(self.turns, matching=loss, student_gradient=norm)
        else:
            norm = apply_gradient(loss, self._critic_optimizer, self.settings.critic_rate * factor, 10.0)
            self.curves.add(self.turns, critic=loss, critic_gradient=norm)

    def _student_loss(
        self, batch: NextShotBatch, result: RolloutResult, exit_step: int, chosen: int
    ) -> Tensor:
        time = self.schedule.steps[exit_step]
        flow = self.sources[chosen].forced.flow(batch, result.entering, time)
        clean = (result.entering - self.schedule.sigma(time) * flow).float()
        with torch.no_grad():
            history = clean.detach()
            noisy, sigma, _ = self._noised(history)
            silent = replace(batch, embeds=torch.zeros_like(batch.embeds))
            real = guided(
                self._real[chosen].clean(batch, history, noisy, sigma),
                self._real[chosen].clean(silent, history, noisy, sigma),
                self.settings.guidance,
            )
            fake = self._fake[chosen].clean(batch, history, noisy, sigma)
            direction = matching_direction(fake, real, history)
        return matching_loss(clean, direction)

    def _critic_loss(self, batch: NextShotBatch, clean: Tensor, chosen: int) -> Tensor:
        noisy, sigma, noise = self._noised(clean)
        flow = self._fake[chosen].flow(batch, clean, noisy, sigma)
        return (flow - (noise - clean)).square().mean()

    def _noised(self, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        size, frames = clean.shape[:2]
        chunk, shift = self.student.config.frames_per_chunk, self.student.config.timestep_shift
        drawn = draw_sigma(size * frames // chunk, shift, self.generator, clean.device)
        sigma = drawn.view(size, -1).repeat_interleave(chunk, dim=1)
        noise = torch.randn(clean.shape, generator=self.generator, device=clean.device)
        return (1 - _wide(sigma)) * clean + _wide(sigma) * noise, sigma, noise


def _wide(sigma: Tensor) -> Tensor:
    return sigma[:, :, None, None, None]


def train_causal_matching(trainer: CausalMatchingTrainer, *, budget: Budget, out: Path) -> None:
    """Trains by the clock and leaves the student in ``out``."""
    budget.start_training()
    log, picture = Every(20.0), Every(180.0)
    while budget.training:
        trainer.turn(warmup_linear(budget.fraction, warmup=0.03, hold=0.6, floor=0.2))
        trainer.workshop.refill(trainer.turns)
        if log():
            row = describe(trainer.curves.flush())
            print(f"matching {budget.elapsed:6.1f} s  updates {trainer.updates}  {row}", flush=True)
        if picture():
            save_matching(trainer, out)
    save_matching(trainer, out)


def save_matching(trainer: CausalMatchingTrainer, out: Path) -> None:
    """Writes checkpoint (the running average), record and a sheet of rollouts."""
    record = {
        "stage": "causal-matching",
        "settings": asdict(trainer.settings),
        "turns": trainer.turns,
        "student_updates": trainer.updates,
    }
    save_average(trainer.average, trainer.workshop, trainer.curves, out, record)
