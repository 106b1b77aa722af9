# SPDX-License-Identifier: Apache-2.0
"""From a configuration to a stage that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.errors import TrainingError
from shotstream_training.networks import build_student, compile_blocks
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.forced_stage import ForcedStage
from shotstream_training.stages.forcing_stage import ForcingNetworks, ForcingStage
from shotstream_training.stages.learner import Learner
from shotstream_training.stages.loop import Kept, Stage
from shotstream_training.stages.lora import add_adapters, merged_weights
from shotstream_training.stages.loss_stage import split
from shotstream_training.stages.materials import Materials
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.place import Place
from shotstream_training.stages.regression_stage import RegressionStage, fill_trajectories
from shotstream_training.stages.run_config import RunConfig
from shotstream_training.stages.scores import CausalScoreRule, ScoreRule
from shotstream_training.stages.settings import LoraSettings, OptimizerSettings
from shotstream_training.stages.shot_caches import ShotCaches
from shotstream_training.stages.stage_folder import (
    is_file_of_weights,
    load_network,
    stage_result,
    student_weights,
)
from shotstream_training.stages.teacher_stage import TeacherStage, freeze_for_teacher

TRAJECTORIES = "trajectories"
"""Subfolder of the causal initialisation that keeps them."""


@dataclass(frozen=True)
class Assembled:
    """A stage with everything that outlives its steps.

    Attributes:
        stage: What the loop runs.
        kept: What checkpoints hold.
        student: The network that the stage is about.
        rule: How a bidirectional network is read.
        lora: Adapters to be merged into the result.
    """

    stage: Stage
    kept: Kept
    student: TrainedNetwork
    rule: ScoreRule
    lora: LoraSettings | None = None

    def result(self) -> dict[str, dict[str, Tensor]]:
        """The weights that the stage hands on: averaged where an average is kept, adapters merged.

        Every process must ask.
        """
        groups = {}
        for name, network in self.kept.networks.items():
            weights = network.weights()
            if name in self.kept.averages:
                weights |= self.kept.averages[name].weights()
            adapted = self.lora is not None and name in ("student", "critic")
            groups[name] = merged_weights(weights, self.lora) if adapted and self.lora else weights
        return groups


def assemble(run: RunConfig, materials: Materials, place: Place, out: Path) -> Assembled:
    """Builds the stage that a configuration describes.

    Args:
        run: The configuration.
        materials: Codec, text side, samples.
        place: This process.
        out: The stage's folder.

    Raises:
        TrainingError: If a folder is missing or does not fit, or settings exclude one another.
    """
    torch.manual_seed(run.seed)
    draws = Draws(run.seed, run.stage, place.device)
    try:
        _check_shares(run, place)
        if run.stage == "teacher":
            return _teacher(run, materials, place, draws)
        if run.stage == "causal-init":
            return _causal_init(run, materials, place, draws, out)
        return _forcing(run, materials, place, draws)
    except ValueError as error:
        raise TrainingError(str(error)) from error


def _check_shares(run: RunConfig, place: Place) -> None:
    """Whether the samples of a step can be shared; found out now, and not after the first rollout."""
    settings = _needed(run.teacher_stage or run.causal_init or run.forcing)
    if run.compiled and place.mesh is not None:
        raise TrainingError("compiled=true works in one process; start it without torchrun")
    for batch in {settings.batch} | {part.batch or settings.batch for part in getattr(settings, "parts", ())}:
        if batch % place.world:
            raise TrainingError(f"batch={batch} must be a multiple of the {place.world} processes")
        split(range(batch // place.world), settings.micro_batch)


def _teacher(run: RunConfig, materials: Materials, place: Place, draws: Draws) -> Assembled:
    settings = _needed(run.teacher_stage)
    student = _started(run, materials, place)
    freeze_for_teacher(student, settings.trained)
    if run.compiled:
        compile_blocks(student)
    network = TrainedNetwork(student, place, checkpointing=run.checkpointing)
    networks = _with_text(network, materials, learns=settings.train_text)
    learner = _learner(list(networks.values()), settings.optimizer)
    rule = ScoreRule(settings.context_time, materials.negative)
    stage = TeacherStage(settings, network, learner, materials.source, rule, draws)
    return Assembled(stage, Kept(networks, {"student": learner}, {}), network, rule)


def _with_text(student: TrainedNetwork, materials: Materials, *, learns: bool) -> dict[str, TrainedNetwork]:
    """What a stage trains by name: the student, and the text side where that learns along."""
    if not learns:
        return {"student": student}
    if materials.text is None:
        raise TrainingError("train_text: the published text encoder does not learn along")
    return {"student": student, "text": materials.text}


def _causal_init(run: RunConfig, materials: Materials, place: Place, draws: Draws, out: Path) -> Assembled:
    settings = _needed(run.causal_init)
    rule = ScoreRule(settings.context_time, materials.negative)
    stage: Stage
    store = None
    if settings.method == "regression" and settings.trajectories is not None:
        store = fill_trajectories(
            settings.trajectories,
            _frozen(run, materials, place),
            materials.source,
            rule,
            draws,
            out / TRAJECTORIES,
            made_with={
                "teacher": str(run.teacher or run.start),
                "context_time": settings.context_time,
                "negative_prompt": run.negative_prompt,
                "data": run.data.model_dump(mode="json"),
                "ablation": run.ablation.model_dump(),
                "seed": run.seed,
            },
        )
    student = TrainedNetwork(_started(run, materials, place), place, checkpointing=run.checkpointing)
    networks = _with_text(student, materials, learns=settings.train_text)
    learner = _learner(list(networks.values()), settings.optimizer)
    if store is not None:
        stage = RegressionStage(settings, student, learner, store, materials.source, draws)
    else:
        stage = ForcedStage(settings, student, learner, materials.source, draws, materials.openings)
    return Assembled(stage, Kept(networks, {"student": learner}, {}), student, rule)


def _forcing(run: RunConfig, materials: Materials, place: Place, draws: Draws) -> Assembled:
    settings = _needed(run.forcing)
    if run.start is None:
        raise TrainingError(f"start is missing: give the stage before {run.stage}, or mini, with --start")
    config = materials.config
    rule = ScoreRule(settings.context_time, materials.negative)
    if settings.scores == "causal":
        caches = ShotCaches(config, materials.source.size, place)
        rule = CausalScoreRule("zero", materials.negative, caches=caches)
    before = {} if is_file_of_weights(run.start) else stage_result(run.start, "start")[0]
    critic_weights = before.get("critic") or _teacher_weights(run, materials)
    critic = load_network(critic_weights, config, place.device)
    if run.compiled:
        compile_blocks(critic)
    student = _started(run, materials, place)
    if settings.lora is not None:
        add_adapters(student, settings.lora, run.seed)
        add_adapters(critic, settings.lora, run.seed + 1)
    networks = ForcingNetworks(
        TrainedNetwork(student, place, checkpointing=run.checkpointing),
        _frozen(run, materials, place),
        TrainedNetwork(critic, place, checkpointing=run.checkpointing),
    )
    learners = _learner([networks.student], settings.generator), _learner([networks.critic], settings.critic)
    codec = materials.codec if run.stage == "inter" else None
    stage = ForcingStage(
        settings, networks, learners, materials.source, rule, draws, codec, materials.openings
    )
    kept = Kept(
        {"student": networks.student, "critic": networks.critic},
        {"student": learners[0], "critic": learners[1]},
        {"student": stage.average},
    )
    return Assembled(stage, kept, networks.student, rule, settings.lora)


def _started(run: RunConfig, materials: Materials, place: Place) -> Student:
    """The network a stage begins with."""
    source = run.start or (run.teacher if run.stage == "causal-init" else None)
    if source is None:
        if run.stage != "teacher":
            raise TrainingError("start is missing: give the folder of the teacher with --teacher or --start")
        return build_student(materials.config, place.device)
    return load_network(student_weights(source, materials.config, "start"), materials.config, place.device)


def _frozen(run: RunConfig, materials: Materials, place: Place) -> TrainedNetwork:
    """The teacher as it was left."""
    network = load_network(_teacher_weights(run, materials), materials.config, place.device)
    if run.compiled:
        compile_blocks(network)
    return TrainedNetwork(network.requires_grad_(False), place)


def _teacher_weights(run: RunConfig, materials: Materials) -> Mapping[str, Tensor]:
    source = run.teacher or (run.start if run.stage == "causal-init" else None)
    if source is None:
        raise TrainingError("teacher is missing: give the folder of the teacher stage with --teacher")
    return student_weights(source, materials.config, "teacher")


def _learner(networks: list[TrainedNetwork], settings: OptimizerSettings) -> Learner:
    return Learner(networks, settings)


def _needed(settings: Any) -> Any:
    """Settings that `RunConfig` has made sure of."""
    if settings is None:
        raise TrainingError("the stage's own settings are missing")
    return settings
