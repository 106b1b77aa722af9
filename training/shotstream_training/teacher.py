# SPDX-License-Identifier: Apache-2.0
"""Stage S1: the bidirectional next-shot teacher, by flow matching."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.budget import Budget, Every, warmup_linear
from shotstream_training.checkpoint import SHEET, save_stage
from shotstream_training.curves import Curves, describe
from shotstream_training.device import autocast, compile_blocks
from shotstream_training.distillation.matching import clean_prediction, predict_flow
from shotstream_training.networks import build_student, encode_captions, optimise_network, share_compilation
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.sheets import comparison_rows, save_sheet
from shotstream_training.workshop import Workshop


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """Training of the teacher.

    Attributes:
        batch: Samples per step.
        rate: Peak learning rate of matrices, by Muon.
        other_rate: Of the rest, by AdamW.
        drop_context: Share of samples whose context is dropped; teaches first shots.
        drop_text: Share of samples whose captions are dropped; teaches the unguided score.
        compile: Whether to compile the blocks.
        sample_steps: Euler steps of sample pictures.
        guidance: Guidance of sample pictures.
    """

    batch: int = 96
    rate: float = 0.01
    other_rate: float = 1e-3
    drop_context: float = 0.1
    drop_text: float = 0.1
    compile: bool = True
    sample_steps: int = 24
    guidance: float = 2.0


class TeacherTrainer:
    """One training run of teacher and text side together."""

    def __init__(
        self, settings: TeacherSettings, workshop: Workshop, seed: int, start: Student | None = None
    ) -> None:
        torch.manual_seed(seed)
        self.settings, self.workshop = settings, workshop
        self.device = workshop.device
        self.network = start or build_student(workshop.student, self.device)
        share_compilation(self.network)
        self.text = workshop.text.train()
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self.optimizer = optimise_network(self.network, settings.rate, settings.other_rate, self.text)
        self.curves = Curves()
        self.steps = 0

    def batch(self) -> NextShotBatch:
        """A training batch with context and text dropped independently."""
        settings = self.settings
        batch = encode_captions(self.workshop.store.draw(settings.batch), self.text)
        batch = batch.without_context(self._chance(settings.drop_context))
        return batch.without_text(self._chance(settings.drop_text))

    def loss(self, batch: NextShotBatch) -> Tensor:
        """Flow matching over the target frames, times uniform over the shifted table, unweighted.

        The published fine-tuning weighs the middle times up. From scratch every time has to be learnt, time
        1000 above all: it is where the few-step student starts.
        """
        shift = self.network.config.timestep_shift
        # One stratum per sample: the same uniform times with less variance.
        order = torch.arange(len(batch), device=self.device)
        uniform = torch.rand(len(batch), generator=self.generator, device=self.device)
        uniform = 1.0 - (order + uniform) / len(batch)
        sigma = shift * uniform / (1 + (shift - 1) * uniform)
        noise = torch.randn(batch.target.shape, generator=self.generator, device=self.device)
        wide = sigma[:, None, None, None, None]
        noisy = (1 - wide) * batch.target + wide * noise
        flow = predict_flow(self.network, batch, noisy, 1000 * sigma)
        return (flow - (noise - batch.target)).square().mean()

    def step(self, factor: float) -> None:
        """One optimiser step; ``factor`` scales the learning rate."""
        with autocast(self.device):
            loss = self.loss(self.batch())
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.optimizer.parameters, 1.0)
        self.optimizer.scale_rates(factor)
        self.optimizer.step()
        self.steps += 1
        self.curves.add(self.steps, loss=loss, gradient=norm)

    def _chance(self, share: float) -> Tensor:
        return torch.rand(self.settings.batch, generator=self.generator, device=self.device) < share


@torch.no_grad()
@torch.compiler.set_stance("force_eager")
def sample_teacher(
    network: Student, batch: NextShotBatch, *, steps: int, guidance: float, generator: torch.Generator
) -> Tensor:
    """Generates the target of a batch with Euler steps and guidance ``u + guidance (c - u)``.

    Args:
        network: The teacher.
        batch: Context, flags, captions; of the target only the shape is used.
        steps: Euler steps along the shifted table.
        guidance: 1 means none.
        generator: Source of the noise.

    Returns:
        Clean latents like the target.
    """
    shift = network.config.timestep_shift
    silent = replace(batch, embeds=torch.zeros_like(batch.embeds))
    uniform = torch.linspace(1.0, 0.0, steps + 1)
    sigmas = (shift * uniform / (1 + (shift - 1) * uniform)).tolist()
    device = batch.target.device
    latents = torch.randn(batch.target.shape, generator=generator, device=device)
    for sigma, following in itertools.pairwise(sigmas):
        here = torch.full((len(batch),), sigma, device=device)
        with autocast(device):
            clean = clean_prediction(network, batch, latents, 1000 * here, here)
            if guidance != 1.0:
                empty = clean_prediction(network, silent, latents, 1000 * here, here)
                clean = empty + guidance * (clean - empty)
        # The straight line from here through the clean estimate, followed to the next sigma.
        latents = clean + (latents - clean) * (following / sigma)
    return latents


def train_teacher(
    settings: TeacherSettings,
    workshop: Workshop,
    *,
    budget: Budget,
    out: Path,
    seed: int,
    start: Student | None = None,
) -> Student:
    """Trains by the clock, from scratch or from ``start``; leaves teacher and text side in ``out``."""
    trainer = TeacherTrainer(settings, workshop, seed, start)
    compile_blocks(trainer.network.blocks, lambda: trainer.step(0.0), enabled=settings.compile)
    trainer.curves.flush()
    print(f"teacher starts after {budget.elapsed:.1f} s with {workshop.store.seen} shots", flush=True)
    budget.start_training()
    log, picture = Every(10.0), Every(90.0)
    while budget.training:
        trainer.step(warmup_linear(budget.fraction, warmup=0.02, hold=0.35))
        workshop.refill(trainer.steps)
        if log():
            row = describe(trainer.curves.flush())
            print(f"teacher {budget.elapsed:6.1f} s  shots {workshop.store.seen}  {row}", flush=True)
        if picture():
            save_teacher(trainer, out)
    save_teacher(trainer, out)
    workshop.text.eval().requires_grad_(False)
    return trainer.network


def save_teacher(trainer: TeacherTrainer, out: Path) -> None:
    """Writes checkpoint, record and sample pictures: of held-out shots the truth above the sample."""
    trainer.curves.flush()
    settings = trainer.settings
    groups = {"student": trainer.network.state_dict(), "text": trainer.text.state_dict()}
    record: dict[str, Any] = {
        "stage": "teacher",
        "student_config": trainer.network.config.to_dict(),
        "settings": asdict(settings),
        "steps": trainer.steps,
        "shots_seen": trainer.workshop.store.seen,
        "curves": trainer.curves.record(),
    }
    save_stage(out, groups, record)
    batch = trainer.workshop.judged_batch()
    generator = torch.Generator(trainer.device).manual_seed(1)
    latents = sample_teacher(
        trainer.network, batch, steps=settings.sample_steps, guidance=settings.guidance, generator=generator
    )
    save_sheet(out / SHEET, comparison_rows(trainer.workshop.codec, batch.target, latents), trainer.curves)
