# SPDX-License-Identifier: Apache-2.0
"""Trains the built-in mini by the clock.

    python -m shotstream_training.run_mini vae --minutes 6 --out runs/vae
    python -m shotstream_training.run_mini story --minutes 25 --vae runs/vae --out runs/story

``story`` makes teacher and student: teacher, causal initialisation, intra-shot and inter-shot self-forcing
share the minutes and one process. With ``--init`` it starts from a finished teacher, which a share of the
minutes trains on.
"""

from __future__ import annotations

import argparse
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.model import Student

from shotstream_training.autoencoder.train import AutoencoderSettings, train_autoencoder
from shotstream_training.budget import Budget
from shotstream_training.checkpoint import load_stage
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.device import default_workers, pick_device
from shotstream_training.distillation.causal_init import CausalInitSettings, train_causal_init
from shotstream_training.distillation.self_forcing import (
    SelfForcingSettings,
    SelfForcingTrainer,
    train_inter,
    train_intra,
)
from shotstream_training.networks import MINI_STUDENT, TINY_STUDENT, clone, load_student
from shotstream_training.teacher import TeacherSettings, train_teacher
from shotstream_training.workshop import Workshop

MINI = Path(str(resources.files("shotstream_runtime.weights"))) / "mini"

STORY_LENGTHS = (5, 5, 5, 5, 5, 5, 5, 7, 8, 10)
"""Shots of the training stories: mostly five; the longer ones show flags that a long story will carry."""

SHARES = {"teacher": 0.56, "causal-init": 0.14, "intra": 0.3, "inter": 0.0}
"""Parts of the minutes; stages that are left out give theirs to the others."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="shotstream_training.run_mini", description=__doc__)
    stages = root.add_subparsers(dest="stage", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--minutes", type=float, required=True, help="wall clock of the whole command")
    common.add_argument("--out", type=Path, required=True, help="folder to leave the result in")
    common.add_argument("--device", default=None, help="default: the GPU where there is one")
    common.add_argument("--workers", type=int, default=default_workers(), help="render processes")
    common.add_argument("--seed", type=int, default=0)
    common.add_argument("--text", type=Path, default=MINI, help="folder with the text side to start from")
    common.add_argument("--two-characters", type=float, default=0.4, help="share of stories with two")
    common.add_argument("--moving-camera", type=float, default=0.4, help="share of shots that pan or push in")
    common.add_argument("--fixed-staging", action="store_true", help="captions tell all there is")
    common.add_argument("--tiny", action="store_true", help="toy sizes: to try the commands on a CPU")
    vae = stages.add_parser("vae", parents=[common], help="video autoencoder")
    vae.add_argument("--base-dim", type=int, default=24)
    vae.add_argument("--dim-mult", type=int, nargs="+", default=[1, 2, 3])
    vae.add_argument("--latent-channels", type=int, default=32)
    vae.add_argument("--rate", type=float, default=0.02, help="of the convolutions, by Muon")
    vae.add_argument("--init", type=Path, default=None, help="folder of a vae stage to start from")
    vae.add_argument("--decoder-only", action="store_true", help="keep encoder and latents as they are")
    vae.add_argument("--latent-noise", type=float, default=0.0, help="largest noise on decoded latents")
    vae.add_argument("--batch-scale", type=float, default=1.0, help="scales the clips per step")
    story = stages.add_parser("story", parents=[common], help="teacher and student")
    story.add_argument("--vae", type=Path, required=True, help="folder of the vae stage")
    story.add_argument("--init", type=Path, default=None, help="folder of a finished teacher")
    story.add_argument("--teacher-out", type=Path, default=None, help="default: OUT/teacher")
    story.add_argument("--shares", type=float, nargs=4, default=list(SHARES.values()), metavar="PART",
                       help="parts of the minutes: teacher, causal-init, intra, inter")  # fmt: skip
    story.add_argument("--batch", type=int, default=96, help="of the teacher")
    story.add_argument("--student-batch", type=int, default=64)
    story.add_argument("--rate", type=float, default=0.01, help="of the teacher's matrices, by Muon")
    story.add_argument("--other-rate", type=float, default=1e-3, help="of the teacher's rest, by AdamW")
    story.add_argument("--generator-rate", type=float, default=5e-5)
    story.add_argument("--guidance", type=float, default=2.0, help="of the real score: c + guidance (c - u)")
    story.add_argument("--critic-updates", type=int, default=3)
    story.add_argument("--shift", type=float, default=MINI_STUDENT.timestep_shift)
    story.add_argument("--no-compile", action="store_true")
    story.add_argument("--few-step-share", type=float, default=0.5, help="of the causal init's times")
    story.add_argument("--init-rate", type=float, default=3e-3, help="of the causal init's matrices, by Muon")
    return root


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command."""
    options = parser().parse_args(arguments)
    text = MiniTextEncoder.load(options.text)
    (run_vae if options.stage == "vae" else run_story)(options, text)


def world_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the stories' world is like."""
    return {
        "two_characters": options.two_characters,
        "moving_camera": options.moving_camera,
        "fixed_staging": options.fixed_staging,
    }


def run_vae(options: argparse.Namespace, text: MiniTextEncoder) -> None:
    """The ``vae`` command."""
    device, world = pick_device(options.device), world_of(options)
    scale = 0.05 if options.tiny else options.batch_scale
    defaults = AutoencoderSettings()
    settings = AutoencoderSettings(
        base_dim=8 if options.tiny else options.base_dim,
        dim_mult=tuple(options.dim_mult),
        latent_channels=options.latent_channels,
        batches=tuple((frames, max(1, round(clips * scale))) for frames, clips in defaults.batches),
        rate=options.rate,
        decoder_only=options.decoder_only,
        latent_noise=options.latent_noise,
        pool=16 if options.tiny else 6000 if device.type == "cuda" else 400,
        first_shots=4 if options.tiny else 64,
    )
    train_autoencoder(
        settings,
        StoryRenderer(text, shot_counts=(1,), **world),
        StoryRenderer(text, split="held_out", shot_counts=(1,) if options.tiny else (5,), **world),
        budget=Budget(options.minutes, min(25.0, options.minutes * 60 * 0.3)),
        out=options.out,
        device=device,
        workers=options.workers,
        seed=options.seed,
        init=options.init,
    )


def run_story(options: argparse.Namespace, text: MiniTextEncoder) -> None:
    """The ``story`` command."""
    whole = Budget(options.minutes, 1.0)
    renderer = StoryRenderer(text, shot_counts=STORY_LENGTHS, **world_of(options))
    held_out = StoryRenderer(text, split="held_out", **world_of(options))
    channels = load_stage(options.vae)[1]["vae_config"]["z_dim"]
    config = replace(
        TINY_STUDENT if options.tiny else MINI_STUDENT,
        timestep_shift=options.shift,
        in_dim=channels,
        out_dim=channels,
    )
    with StoryProducer(renderer, workers=options.workers, first_seed=options.seed * 10_000_000) as producer:
        workshop = Workshop.open(
            config,
            text,
            vae=options.vae,
            producer=producer,
            held_out=held_out,
            max_shots=renderer.max_shots,
            capacity=64 if options.tiny else 60_000,
            device=pick_device(options.device),
            live=options.workers > 0,
            seed=options.seed,
        )
        workshop.wait_for(4 if options.tiny else 256, whole)
        _StoryRun(options, workshop, whole).run()


class _StoryRun:
    """The stages of the ``story`` command and the minutes they share."""

    def __init__(self, options: argparse.Namespace, workshop: Workshop, whole: Budget) -> None:
        self._options, self._workshop, self._whole = options, workshop, whole
        self._left = dict(zip(SHARES, options.shares, strict=True))

    def run(self) -> None:
        """Runs what has a share; a stage that fails costs its own minutes only."""
        options = self._options
        teacher = self._teacher()
        student = clone(teacher)
        out = options.out / "student"
        begin = options.out / "causal_init"
        self._guard("causal-init", lambda budget: self._causal_init(student, budget, begin))
        if not any(self._left.values()):
            return
        settings = SelfForcingSettings(
            batch=2 if options.tiny else options.student_batch,
            generator_rate=options.generator_rate,
            critic_updates=options.critic_updates,
            guidance=options.guidance,
            compile=not options.no_compile,
        )
        trainer = SelfForcingTrainer(settings, student, teacher, self._workshop, options.seed)
        trainer.compile_scores(self._workshop.batch(settings.batch))
        self._guard("intra", lambda budget: train_intra(trainer, budget=budget, out=out))
        self._guard("inter", lambda budget: train_inter(trainer, shots=5, budget=budget, out=out))

    def _teacher(self) -> Student:
        options, workshop = self._options, self._workshop
        start = None
        if options.init is not None:
            groups, record = load_stage(options.init)
            workshop.text.load_state_dict(groups["text"])
            start = load_student(record["student_config"], groups["student"], workshop.device)
            if not self._left["teacher"]:
                workshop.text.eval().requires_grad_(False)
                return start
        settings = TeacherSettings(
            batch=4 if options.tiny else options.batch,
            rate=options.rate,
            other_rate=options.other_rate,
            compile=not options.no_compile,
            sample_steps=2 if options.tiny else 24,
        )
        budget = self._budget("teacher")
        return train_teacher(
            settings,
            workshop,
            budget=budget,
            out=options.teacher_out or options.out / "teacher",
            seed=options.seed,
            start=start,
        )

    def _causal_init(self, student: Student, budget: Budget, out: Path) -> None:
        options = self._options
        settings = CausalInitSettings(
            batch=2 if options.tiny else options.student_batch,
            rate=options.init_rate,
            other_rate=options.init_rate / 10,
            few_step_share=options.few_step_share,
        )
        train_causal_init(settings, student, self._workshop, budget=budget, out=out, seed=self._options.seed)

    def _guard(self, stage: str, work: Callable[[Budget], None]) -> None:
        if not self._left[stage]:
            return
        try:
            work(self._budget(stage))
        except Exception:  # noqa: BLE001 - hours of training must not be lost to a later stage
            print(f"{stage} failed:\n{traceback.format_exc()}", flush=True)

    def _budget(self, stage: str) -> Budget:
        """A stage's part of what is left."""
        part = self._left[stage] / sum(self._left.values())
        self._left[stage] = 0.0
        minutes = max(self._whole.remaining, 1.0) / 60 * part
        return Budget(minutes, min(8.0, minutes * 60 * 0.2))


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()
