# SPDX-License-Identifier: Apache-2.0
"""Stage S1: the bidirectional next-shot teacher, by flow matching."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.model import Student, StudentConfig
from torch import Tensor

from shotstream_training.budget import Budget, Every, warmup_linear
from shotstream_training.checkpoint import SHEET, save_stage
from shotstream_training.curves import Curves, describe
from shotstream_training.data.clip_pool import to_pictures
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.data.story_store import StoryStore
from shotstream_training.device import autocast, compile_blocks
from shotstream_training.distillation.matching import clean_prediction, predict_flow
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.networks import build_student, encode_captions
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.sheets import save_sheet

SHEET_FRAMES = (0, 12, 24, 36, 48, 64, 80)


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """Training of the teacher.

    Attributes:
        student: Dimensions, shared with the student.
        batch: Samples per step.
        rate: Peak learning rate.
        weight_decay: Of the matrices.
        drop_context: Share of samples whose context is dropped; teaches first shots.
        drop_text: Share of samples whose captions are dropped; teaches the unguided score.
        capacity: Shots kept on the device.
        first_shots: Shots waited for before the first step.
        compile: Whether to compile the blocks.
        sample_steps: Euler steps of sample pictures.
        guidance: Guidance of sample pictures.
    """

    student: StudentConfig
    batch: int = 96
    rate: float = 1e-3
    weight_decay: float = 0.01
    drop_context: float = 0.1
    drop_text: float = 0.1
    capacity: int = 60_000
    first_shots: int = 256
    compile: bool = True
    sample_steps: int = 24
    guidance: float = 2.0


class TeacherTrainer:
    """One training run of teacher and text side together."""

    def __init__(
        self, settings: TeacherSettings, text: MiniTextEncoder, device: torch.device, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.settings = settings
        self.device = device
        self.network = build_student(settings.student, device)
        self.text = text.to(device).train()
        self.generator = torch.Generator(device).manual_seed(seed)
        self._parameters = [*self.network.parameters(), *self.text.parameters()]
        matrices = [p for p in self._parameters if p.ndim >= 2]
        vectors = [p for p in self._parameters if p.ndim < 2]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": settings.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=settings.rate,
            betas=(0.9, 0.99),
            fused=device.type == "cuda",
        )
        self.curves = Curves()
        self.steps = 0

    def share_compilation(self) -> None:
        """Gives all blocks one layer number, so that one compiled program serves them all.

        The number addresses the dual cache, which a pass over whole sequences does not have.
        """
        for block in self.network.blocks:
            block.layer = 0

    def batch(self, store: StoryStore) -> NextShotBatch:
        """A training batch with context and text dropped independently."""
        settings = self.settings
        batch = encode_captions(store.draw(settings.batch), self.text)
        batch = batch.without_context(self._chance(settings.drop_context))
        return batch.without_text(self._chance(settings.drop_text))

    def loss(self, batch: NextShotBatch) -> Tensor:
        """Flow matching over the target frames, times uniform over the shifted table, unweighted.

        The published fine-tuning weighs the middle times up. From scratch every time has to be learnt, time
        1000 above all: it is where the few-step student starts.
        """
        shift = self.settings.student.timestep_shift
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

    def step(self, store: StoryStore, factor: float) -> None:
        """One optimiser step; ``factor`` scales the learning rate."""
        with autocast(self.device):
            loss = self.loss(self.batch(store))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * factor
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
    text: MiniTextEncoder,
    renderer: StoryRenderer,
    held_out: StoryRenderer,
    *,
    vae: Path,
    budget: Budget,
    out: Path,
    device: torch.device,
    workers: int,
    seed: int = 0,
) -> None:
    """Trains by the clock and leaves teacher and text side in ``out``."""
    with StoryProducer(renderer, workers=workers, first_seed=seed * 10_000_000) as producer:
        codec = LatentCodec.from_stage(vae, device)
        trainer = TeacherTrainer(settings, text, device, seed)
        trainer.share_compilation()
        store = open_store(codec, settings.student, text, settings.capacity, renderer.max_shots, seed)
        judged = held_out_batch(codec, settings.student, text, held_out)
        while len(store) < settings.first_shots and budget.training:
            store.refill(producer, settings.first_shots, wait_s=5.0)
        compile_blocks(trainer.network.blocks, lambda: trainer.step(store, 0.0), enabled=settings.compile)
        trainer.curves.flush()
        print(f"teacher starts after {budget.elapsed:.1f} s with {store.seen} shots", flush=True)
        budget.start_training()
        log, picture = Every(10.0), Every(75.0)
        while budget.training:
            trainer.step(store, warmup_linear(budget.fraction, warmup=0.02, hold=0.35))
            if workers or trainer.steps % 20 == 0:
                store.refill(producer, limit=2)
            if log():
                row = trainer.curves.flush()
                print(f"teacher {budget.elapsed:6.1f} s  shots {store.seen}  {describe(row)}", flush=True)
            if picture():
                save_teacher(trainer, codec, judged, store, out)
        save_teacher(trainer, codec, judged, store, out)


def open_store(
    codec: LatentCodec,
    student: StudentConfig,
    text: MiniTextEncoder,
    capacity: int,
    max_shots: int,
    seed: int,
) -> StoryStore:
    """A store with the sizes of these networks and of the storyboard world."""
    return StoryStore(
        codec,
        capacity=capacity,
        max_shots=max_shots,
        slots=student.max_context_frames,
        text_len=text.config.text_len,
        size=(10, 16),
        seed=seed,
    )


def held_out_batch(
    codec: LatentCodec,
    student: StudentConfig,
    text: MiniTextEncoder,
    renderer: StoryRenderer,
    stories: int = 2,
) -> StoryStore:
    """A store with a few held-out stories, for sample pictures."""
    store = open_store(codec, student, text, stories * renderer.max_shots, renderer.max_shots, 0)
    for number in range(stories):
        store.add(renderer(number))
    return store


def save_teacher(
    trainer: TeacherTrainer, codec: LatentCodec, judged: StoryStore, store: StoryStore, out: Path
) -> None:
    """Writes checkpoint, record and sample pictures: of held-out shots the truth above the sample."""
    trainer.curves.flush()
    settings = trainer.settings
    groups = {"student": trainer.network.state_dict(), "text": trainer.text.state_dict()}
    record: dict[str, Any] = {
        "stage": "teacher",
        "student_config": settings.student.to_dict(),
        "settings": {name: value for name, value in asdict(settings).items() if name != "student"},
        "steps": trainer.steps,
        "shots_seen": store.seen,
        "curves": trainer.curves.record(),
    }
    save_stage(out, groups, record)
    rows = torch.arange(min(len(judged), 8), device=trainer.device)
    with torch.no_grad():
        batch = encode_captions(judged.at(rows), trainer.text)
    generator = torch.Generator(trainer.device).manual_seed(1)
    latents = sample_teacher(
        trainer.network, batch, steps=settings.sample_steps, guidance=settings.guidance, generator=generator
    )
    save_sheet(out / SHEET, comparison_rows(codec, batch.target, latents), trainer.curves)


def comparison_rows(
    codec: LatentCodec, *latents: Tensor, frames: Sequence[int] = SHEET_FRAMES
) -> list[list[NDArray[np.uint8]]]:
    """Rows of a contact sheet: for every sample one row per given set of latents."""
    decoded = [to_pictures(codec.decode(part)[:, :, list(frames)]) for part in latents]
    return [list(clip) for clips in zip(*decoded, strict=True) for clip in clips]
