# SPDX-License-Identifier: Apache-2.0
"""All stages at toy size, ready to run, for tests of what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from latent_source import CONFIG, CPU, LatentSource, small_student
from shotstream_training.autoencoder.train import AutoencoderSettings
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.forced_stage import ForcedStage
from shotstream_training.stages.forcing_stage import ForcingNetworks, ForcingStage
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loop import Kept, Stage, TrainingLoop
from shotstream_training.stages.lora import add_adapters
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.place import Place
from shotstream_training.stages.regression_stage import RegressionStage, fill_trajectories
from shotstream_training.stages.scores import CausalScoreRule, ScoreRule
from shotstream_training.stages.settings import (
    BudgetSettings,
    CausalInitStageSettings,
    ForcingStageSettings,
    LoopSettings,
    LoraSettings,
    OptimizerSettings,
    TeacherStageSettings,
)
from shotstream_training.stages.shot_caches import ShotCaches
from shotstream_training.stages.teacher_stage import TeacherStage, freeze_for_teacher

RATE = {"rate": 3e-3}
PARTS = [{"share": 0.4, "chunks": 1, "openings": True}, {"share": 0.6, "batch": 2}]
LORA = LoraSettings(rank=3)
Built = tuple[Stage, Kept]
Builder = Callable[[Path, Place, int], Built]


def small_codec() -> LatentCodec:
    """A real autoencoder with random weights: 3 channels, 8x smaller."""
    torch.manual_seed(0)
    vae = AutoencoderSettings(base_dim=4, latent_channels=3).build()
    config = {"latents_mean": [0.1, -0.2, 0.3], "latents_std": [0.5, 1.0, 2.0]}
    return LatentCodec(vae, config, torch.device("cpu"))


def network(seed: int, place: Place, *, lora: bool = False, frozen: bool = False) -> TrainedNetwork:
    """A small network, sharded where there are several processes."""
    student = small_student(seed)
    if lora:
        add_adapters(student, LORA, seed=seed)
    elif frozen:
        student.requires_grad_(False)
    return TrainedNetwork(student, place, checkpointing=not frozen)


def teacher(_: Path, place: Place, micro_batch: int) -> Built:
    """S1 as published: bell weighting, self-attention only."""
    settings = TeacherStageSettings.model_validate(
        {"batch": 4, "micro_batch": micro_batch, "optimizer": RATE, "drop_context": 0.3, "drop_text": 0.3}
    )
    student = small_student(1)
    freeze_for_teacher(student, settings.trained)
    trained = TrainedNetwork(student, place, checkpointing=True)
    learner = Learner([trained], OptimizerSettings(rate=3e-3))
    stage = TeacherStage(
        settings,
        trained,
        learner,
        LatentSource(place),
        ScoreRule("target"),
        Draws(0, "teacher", place.device),
    )
    return stage, Kept({"student": trained}, {"student": learner}, {})


def regression(folder: Path, place: Place, micro_batch: int) -> Built:
    """S2.1 as published."""
    settings = CausalInitStageSettings.model_validate(
        {
            "batch": 4,
            "micro_batch": micro_batch,
            "optimizer": RATE,
            "trajectories": {"pairs": 5, "steps": 4, "kept": [0, 1, 2, 3], "guidance": 2.0},
        }
    )
    draws, source = Draws(0, "causal-init", place.device), LatentSource(place)
    assert settings.trajectories
    store = fill_trajectories(
        settings.trajectories,
        network(1, place, frozen=True),
        source,
        ScoreRule("target"),
        draws,
        folder / "trajectories",
        made_with={},
        report=lambda _: None,
    )
    student = network(2, place)
    learner = Learner([student], OptimizerSettings(rate=3e-3))
    stage = RegressionStage(settings, student, learner, store, source, draws)
    return stage, Kept({"student": student}, {"student": learner}, {})


def forced(_: Path, place: Place, micro_batch: int) -> Built:
    """S2.1 in the other form."""
    settings = CausalInitStageSettings.model_validate(
        {"batch": 4, "micro_batch": micro_batch, "optimizer": RATE, "method": "forced"}
    )
    student = network(2, place)
    learner = Learner([student], OptimizerSettings(rate=3e-3))
    draws = Draws(0, "causal-init", place.device)
    stage = ForcedStage(settings, student, learner, LatentSource(place), draws)
    return stage, Kept({"student": student}, {"student": learner}, {})


def forced_parts(_: Path, place: Place, micro_batch: int) -> Built:
    """The same over first chunks, two chunks and openings, over history of its own."""
    settings = CausalInitStageSettings.model_validate(
        {
            "batch": 4,
            "micro_batch": micro_batch,
            "optimizer": RATE,
            "method": "forced",
            "parts": PARTS,
            "drop_context": 0.3,
            "own_history": 0.5,
            "soften": 0.8,
            "subject_share": 0.5,
        }
    )
    student = network(2, place)
    learner = Learner([student], OptimizerSettings(rate=3e-3))
    draws, openings = Draws(0, "causal-init", place.device), LatentSource(place, distinct=3)
    stage = ForcedStage(settings, student, learner, LatentSource(place), draws, openings)
    return stage, Kept({"student": student}, {"student": learner}, {})


def _forcing(place: Place, micro_batch: int, codec: LatentCodec | None, **values: Any) -> Built:
    given = {"batch": 4, "micro_batch": micro_batch, "generator": RATE, "critic": RATE, "critic_updates": 2}
    settings = ForcingStageSettings.model_validate(given | values)
    lora = settings.lora is not None
    networks = ForcingNetworks(
        network(2, place, lora=lora), network(1, place, frozen=True), network(1, place, lora=lora)
    )
    learners = (
        Learner([networks.student], OptimizerSettings(rate=3e-3)),
        Learner([networks.critic], OptimizerSettings(rate=3e-3, clip=10.0)),
    )
    name = "inter" if codec else "intra"
    draws, source = Draws(0, name, place.device), LatentSource(place)
    rule = ScoreRule("zero")
    if settings.scores == "causal":
        rule = CausalScoreRule("zero", caches=ShotCaches(CONFIG, source.size, place))
    openings = LatentSource(place, distinct=3) if settings.parts else None
    stage = ForcingStage(settings, networks, learners, source, rule, draws, codec, openings)
    kept = Kept(
        {"student": networks.student, "critic": networks.critic},
        {"student": learners[0], "critic": learners[1]},
        {"student": stage.average},
    )
    return stage, kept


def intra(_: Path, place: Place, micro_batch: int) -> Built:
    """S2.2.1, with a running average."""
    return _forcing(place, micro_batch, None, average=0.9)


def intra_causal(_: Path, place: Place, micro_batch: int) -> Built:
    """S2.2.1 with causal scores, over shots of several lengths."""
    return _forcing(place, micro_batch, None, average=0.9, scores="causal", parts=PARTS)


def inter(_: Path, place: Place, micro_batch: int) -> Built:
    """S2.2.2 as published: adapters."""
    return _forcing(place, micro_batch, small_codec(), lora=LORA, shots=2)


BUILDERS: dict[str, Builder] = {
    "teacher": teacher,
    "regression": regression,
    "forced": forced,
    "forced-parts": forced_parts,
    "intra": intra,
    "intra-causal": intra_causal,
    "inter": inter,
}


def loop(built: Built, out: Path, rounds: int, place: Place = CPU) -> TrainingLoop:
    """The loop around a stage, for so many rounds."""
    stage, kept = built
    settings = LoopSettings(budget=BudgetSettings(steps=rounds))
    return TrainingLoop(stage, kept, settings, record={"stage": stage.name}, out=out, place=place)
