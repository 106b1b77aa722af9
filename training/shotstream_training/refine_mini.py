# SPDX-License-Identifier: Apache-2.0
"""Trains a finished mini on, on a processor: above all to read captions better.

    python -m shotstream_training.refine_mini init     --minutes 60 --out runs/refined
    python -m shotstream_training.refine_mini matching --minutes 40 --init runs/refined --out runs/matched

`init` is the causal initialisation, text side included; `matching` makes its four-step pictures sharp.
A processor makes few steps, so they go where captions are read. Most steps see single shots' first chunks
alone, without context: everything they show can only come from the caption. Some see two chunks after earlier
shots, few see whole shots, so that the rest is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.weights.load import LoadedModel, load_model

from shotstream_training.budget import Budget
from shotstream_training.checkpoint import load_stage, save_stage
from shotstream_training.data.producer import StoryProducer
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.data.story_store import StoryStore
from shotstream_training.device import cpu_bfloat16, pick_device
from shotstream_training.distillation.causal_init import CausalInitSettings, ShotSource, train_causal_init
from shotstream_training.distillation.causal_matching import (
    CausalMatchingSettings,
    CausalMatchingTrainer,
    train_causal_matching,
)
from shotstream_training.networks import clone, prepare
from shotstream_training.workshop import LATENT_SIZE, Workshop
from shotstream_training.world.spec import FIRST_CHUNK_FRAMES

LONGER_STORIES = (2, 3, 3, 4, 5)
"""Shots of the stories that have a history."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="shotstream_training.refine_mini", description=__doc__)
    root.add_argument("stage", choices=("init", "matching"))
    root.add_argument("--minutes", type=float, required=True, help="wall clock of the whole command")
    root.add_argument("--out", type=Path, required=True, help="folder to leave the result in")
    root.add_argument("--model", default="mini", help="model folder to start from; default: the built-in one")
    root.add_argument("--init", type=Path, help="folder of a stage whose weights replace the model's")
    root.add_argument("--seed", type=int, default=0)
    root.add_argument("--rate", type=float, default=3e-3, help="init: of matrices, by Muon")
    root.add_argument("--generator-rate", type=float, default=5e-5, help="matching: of the student")
    root.add_argument("--guidance", type=float, default=1.0, help="matching: c + guidance (c - u)")
    root.add_argument("--batch", type=int, default=32, help="first chunks per step")
    root.add_argument("--free-staging", action="store_true", help="draw places and scenery for every shot")
    root.add_argument("--few-step-share", type=float, default=0.8, help="init: of the times")
    root.add_argument(
        "--subject-share", type=float, default=0.5, help="init: of the loss, for the cast alone"
    )
    root.add_argument("--continue-beats", type=float, default=0.22, help="shots whose caption changes")
    root.add_argument("--stories", type=int, default=60, help="stories with a history before the first step")
    root.add_argument("--shares", type=float, nargs=3, default=(0.3, 0.4, 0.3), metavar="PART",
                      help="of the steps: first chunks, two chunks, whole shots")  # fmt: skip
    return root


def unpack(model: LoadedModel, out: Path) -> None:
    """Leaves a model's autoencoder as a finished stage, which the other commands read."""
    config = dict(model.video.vae.config)
    config["latents_mean"], config["latents_std"] = list(config["latents_mean"]), list(config["latents_std"])
    save_stage(out, {"vae": model.video.vae.state_dict()}, {"stage": "vae", "vae_config": config})


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command."""
    options = parser().parse_args(arguments)
    budget = Budget(options.minutes, min(30.0, options.minutes * 6))
    device = pick_device()
    model = load_model(options.model)
    text = model.text.inner
    if not isinstance(text, MiniTextEncoder):
        raise SystemExit(f"{options.model}: only models with mini's text side can be trained on here")
    unpack(model, options.out / "vae")
    student = prepare(model.student, device)
    if options.init is not None:
        groups, _ = load_stage(options.init)
        text.load_state_dict(groups["text"])
        student.load_state_dict(groups["student"])
    student.requires_grad_(True)
    world = {"two_characters": 0.0, "moving_camera": 0.0, "fixed_staging": not options.free_staging}
    long = StoryRenderer(text, shot_counts=LONGER_STORIES, continue_beats=options.continue_beats, **world)
    short = StoryRenderer(text, shot_counts=(1,), frames=FIRST_CHUNK_FRAMES, **world)
    first_seed = options.seed * 10_000_000
    with (
        cpu_bfloat16(device),
        StoryProducer(long, workers=0, first_seed=first_seed) as stories,
        StoryProducer(short, workers=0, first_seed=first_seed + 5_000_000) as openings,
    ):
        workshop = Workshop.open(
            student.config,
            text,
            vae=options.out / "vae",
            producer=stories,
            held_out=StoryRenderer(text, split="held_out", shot_counts=(4,), **world),
            max_shots=max(LONGER_STORIES),
            capacity=3000,
            device=device,
            seed=options.seed,
        )
        first_chunks = StoryStore(
            workshop.codec,
            capacity=20_000,
            max_shots=1,
            slots=student.config.max_context_frames,
            text_len=text.config.text_len,
            size=LATENT_SIZE,
            seed=options.seed,
            shot_frames=FIRST_CHUNK_FRAMES,
        )
        first_chunks.refill(openings, 8 * options.batch)
        workshop.store.refill(stories, options.stories)
        print(f"starts after {budget.elapsed:.0f} s", flush=True)
        sources = [
            ShotSource(first_chunks, student, chunks=1, batch=options.batch, producer=openings, arrivals=4),
            ShotSource(workshop.store, student, chunks=2, batch=max(1, options.batch // 2)),
            ShotSource(workshop.store, student, chunks=7, batch=max(1, options.batch // 8)),
        ]
        weighted = [pair for pair in zip(sources, options.shares, strict=True) if pair[1]]
        if options.stage == "matching":
            rates = CausalMatchingSettings(generator_rate=options.generator_rate, guidance=options.guidance)
            text.requires_grad_(False)
            matching = CausalMatchingTrainer(rates, student, clone(student), workshop, weighted, options.seed)
            train_causal_matching(matching, budget=budget, out=options.out)
            return
        settings = CausalInitSettings(
            batch=options.batch,
            rate=options.rate,
            other_rate=options.rate / 3,
            few_step_share=options.few_step_share,
            drop_context=0.0,
            drop_text=0.05,
            train_text=True,
            own_history=0.0 if options.free_staging else 0.6,
            soften=0.8,
            subject_share=options.subject_share,
        )
        train_causal_init(
            settings,
            student,
            workshop,
            budget=budget,
            out=options.out,
            seed=options.seed,
            sources=weighted,
        )


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    main()
