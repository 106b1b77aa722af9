# SPDX-License-Identifier: Apache-2.0
"""Trains the built-in mini, stage by stage, each within a given number of minutes.

    python -m shotstream_training.run_mini vae --minutes 6 --out runs/vae

Every stage reads the folders of the stages before it (``--init``, ``--vae``) and leaves one folder behind.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder

from shotstream_training.autoencoder.train import AutoencoderSettings, train_autoencoder
from shotstream_training.budget import Budget
from shotstream_training.checkpoint import load_stage
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.device import default_workers, pick_device
from shotstream_training.networks import MINI_STUDENT, TINY_STUDENT
from shotstream_training.teacher import TeacherSettings, train_teacher

MINI = Path(str(resources.files("shotstream_runtime.weights"))) / "mini"

STORY_LENGTHS = (5, 5, 5, 5, 5, 5, 5, 7, 8, 10)
"""Shots of the training stories: mostly five; the longer ones show flags that a long story will carry."""


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
    common.add_argument("--text", type=Path, default=MINI, help="folder with the untrained text side")
    common.add_argument("--tiny", action="store_true", help="toy sizes: to try the commands on a CPU")
    vae = stages.add_parser("vae", parents=[common], help="video autoencoder")
    vae.add_argument("--base-dim", type=int, default=24)
    vae.add_argument("--dim-mult", type=int, nargs="+", default=[1, 2, 3])
    vae.add_argument("--latent-channels", type=int, default=32)
    vae.add_argument("--rate", type=float, default=0.02, help="of the convolutions, by Muon")
    vae.add_argument("--batch-scale", type=float, default=1.0, help="scales the clips per step")
    teacher = stages.add_parser("teacher", parents=[common], help="bidirectional next-shot teacher")
    teacher.add_argument("--vae", type=Path, required=True, help="folder of the vae stage")
    teacher.add_argument("--batch", type=int, default=96)
    teacher.add_argument("--rate", type=float, default=1e-3)
    teacher.add_argument("--shift", type=float, default=MINI_STUDENT.timestep_shift)
    teacher.add_argument("--no-compile", action="store_true")
    return root


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one stage."""
    options = parser().parse_args(arguments)
    reserve = min(25.0, options.minutes * 60 * 0.3)
    budget = Budget(options.minutes, reserve)
    text = MiniTextEncoder.load(options.text)
    if options.stage == "vae":
        run_vae(options, budget, text)
    elif options.stage == "teacher":
        run_teacher(options, budget, text)


def run_vae(options: argparse.Namespace, budget: Budget, text: MiniTextEncoder) -> None:
    """The ``vae`` stage."""
    scale = 0.05 if options.tiny else options.batch_scale
    defaults = AutoencoderSettings()
    settings = AutoencoderSettings(
        base_dim=8 if options.tiny else options.base_dim,
        dim_mult=tuple(options.dim_mult),
        latent_channels=options.latent_channels,
        batches=tuple((frames, max(1, round(clips * scale))) for frames, clips in defaults.batches),
        rate=options.rate,
        pool=16 if options.tiny else 6000,
        first_shots=4 if options.tiny else 64,
    )
    train_autoencoder(
        settings,
        StoryRenderer(text, shot_counts=(1,)),
        StoryRenderer(text, split="held_out", shot_counts=(1,) if options.tiny else (5,)),
        budget=budget,
        out=options.out,
        device=pick_device(options.device),
        workers=options.workers,
        seed=options.seed,
    )


def run_teacher(options: argparse.Namespace, budget: Budget, text: MiniTextEncoder) -> None:
    """The ``teacher`` stage."""
    channels = load_stage(options.vae)[1]["vae_config"]["z_dim"]
    settings = TeacherSettings(
        student=replace(
            TINY_STUDENT if options.tiny else MINI_STUDENT,
            timestep_shift=options.shift,
            in_dim=channels,
            out_dim=channels,
        ),
        batch=min(options.batch, 4) if options.tiny else options.batch,
        rate=options.rate,
        capacity=64 if options.tiny else 60_000,
        first_shots=4 if options.tiny else 256,
        compile=not options.no_compile,
        sample_steps=2 if options.tiny else 24,
    )
    train_teacher(
        settings,
        text,
        StoryRenderer(text, shot_counts=STORY_LENGTHS),
        StoryRenderer(text, split="held_out"),
        vae=options.vae,
        budget=budget,
        out=options.out,
        device=pick_device(options.device),
        workers=options.workers,
        seed=options.seed,
    )


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()
