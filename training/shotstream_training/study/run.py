# SPDX-License-Identifier: Apache-2.0
"""Runs the study of ablations: branch after branch, seed after seed, and measures every student."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.weights.load import LoadedModel

from shotstream_training.checkpoint import load_record, save_stage
from shotstream_training.device import cpu_bfloat16
from shotstream_training.errors import TrainingError
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.made_on import made_on
from shotstream_training.measures import measure_story
from shotstream_training.sheets import contact_sheet, some_frames
from shotstream_training.stages.captions import LearningCaptions
from shotstream_training.stages.materials import Materials, held_out_renderer, open_materials
from shotstream_training.stages.place import Place
from shotstream_training.stages.resume import FOLDER as RESUME
from shotstream_training.stages.run_config import RunConfig, WorldData
from shotstream_training.stages.run_stage import finished_alike, same_run, train_stage
from shotstream_training.stages.stage_folder import is_finished, load_network, model_parts, student_weights
from shotstream_training.study.branches import (
    BRANCHES,
    Branch,
    Training,
    Trial,
    configuration,
    folder,
    start_folder,
)
from shotstream_training.study.player import StoryPlayer
from shotstream_training.study.record import result_file

SHEET_STORIES = 4
SHOWN_FRAMES = (0, 10, 20)


@dataclass(frozen=True)
class Study:
    """Where and how a study runs.

    Attributes:
        out: Its folder.
        model: What all branches start from.
        place: This process.
        stories: Held-out stories of every trial.
        shots: Shots of each.
        changes: ``a.b=value`` each; those of a stage's section are for that stage.
    """

    out: Path
    model: LoadedModel
    place: Place
    stories: int = 16
    shots: int = 4
    changes: Sequence[str] = ()

    @property
    def vae(self) -> Path:
        """The autoencoder's folder."""
        return self.out / "vae"


def run_study(
    study: Study,
    seeds: Sequence[int],
    stop: Callable[[], bool] = lambda: False,
    branches: Sequence[Branch] = BRANCHES,
) -> bool:
    """Trains and measures what is not there yet.

    Args:
        study: Where and how.
        seeds: In order; a seed's branches are finished before the next begins.
        stop: Asked after every round of a training, and after every trial.
        branches: What is trained and measured.

    Returns:
        Whether everything is there.

    Raises:
        TrainingError: If the model has another text side than mini's, or the folder holds a training of other
            settings that has not finished.
    """
    if not isinstance(study.model.text.inner, MiniTextEncoder):
        raise TrainingError("--model: only models with mini's text side can be studied")
    groups, record = model_parts(study.model)
    weights = study.model.profile.weights_hash
    before = load_record(study.vae).get("weights", weights) if is_finished(study.vae) else weights
    if before != weights:
        raise TrainingError(
            f"--model: the students in {study.out} start from other weights ({before[:12]}, now "
            f"{weights[:12]}); give the model they start from, or another --out"
        )
    kept = {"stage": "vae", "vae_config": record["vae_config"], "weights": weights}
    save_stage(study.vae, {"vae": groups["vae"]}, kept)
    for seed in seeds:
        with ExitStack() as stack:
            shelf = _Shelf(study, stack)
            for branch in branches:
                if not _run_branch(study, branch, seed, shelf, stop):
                    return False
    return True


class _Shelf:
    """Rendered and encoded stories, shared by the trainings and trials of a seed."""

    def __init__(self, study: Study, stack: ExitStack) -> None:
        self._study, self._stack = study, stack
        self._materials: dict[str, Materials] = {}
        self._players: dict[str, StoryPlayer] = {}

    def materials(self, run: RunConfig) -> Materials:
        """Of a training: its data, and what it leaves out."""
        key = json.dumps([run.data.model_dump(mode="json"), run.seed])
        if key not in self._materials:
            opened = self._stack.enter_context(open_materials(run, self._study.place, 0))
            self._materials[key] = opened
        return self._materials[key].for_run(run)

    def player(self, run: RunConfig, materials: Materials) -> StoryPlayer:
        """Held-out stories of the kind that a training was shown, who it is told in the first shot alone."""
        data, captions, codec = run.data, materials.captions, materials.codec
        if not (
            isinstance(data, WorldData)
            and isinstance(captions, LearningCaptions)
            and isinstance(codec, LatentCodec)
        ):
            raise TrainingError("data.kind: a study needs the storyboard world")
        told_once = data.model_copy(update={"named_globally": 0.0})
        key = told_once.model_dump_json()
        if key not in self._players:
            self._players[key] = StoryPlayer(
                held_out_renderer(told_once, captions.network.inner, self._study.shots),
                codec,
                captions,
                slots=materials.config.max_context_frames,
                stories=self._study.stories,
            )
        return self._players[key]


def _run_branch(study: Study, branch: Branch, seed: int, shelf: _Shelf, stop: Callable[[], bool]) -> bool:
    runs = {}
    with _precision(study.place):
        for training in branch.trainings:
            run = configuration(training, seed=seed, out=study.out, vae=study.vae, changes=study.changes)
            runs[training.name] = run
            if not _train(study, training, run, seed, shelf, stop):
                return False
        for trial in branch.trials:
            if stop():
                return False
            run = runs[trial.training]
            if not _is_measured(study, trial, run, seed):
                _measure(study, trial, run, seed, shelf)
    return True


def _precision(place: Place) -> AbstractContextManager[object]:
    """Also codec and text side work in the training's precision, as they do on a GPU."""
    return cpu_bfloat16(place.device) if place.bfloat16 else nullcontext()


def _train(
    study: Study,
    training: Training,
    run: RunConfig,
    seed: int,
    shelf: _Shelf,
    stop: Callable[[], bool],
) -> bool:
    target = folder(study.out, training, seed)
    if finished_alike(run, target):
        return True
    if training.start is None:
        _leave_start(study, training, run, seed)
    print(f"seed {seed}: {training.name}", flush=True)
    if not train_stage(run, shelf.materials(run), target, study.place, stop):
        return False
    # Checkpoints are several times the result, and a study has dozens of trainings.
    shutil.rmtree(target / RESUME, ignore_errors=True)
    return True


def _leave_start(study: Study, training: Training, run: RunConfig, seed: int) -> None:
    """The model's weights as a finished stage of the training's dimensions, its phase among them."""
    config = run.student.build(study.model.video.latent_channels)
    groups, _ = model_parts(study.model)
    del groups["vae"]
    record = {"stage": "start", "student_config": config.to_dict()}
    save_stage(start_folder(study.out, training, seed), groups, record)


def _is_measured(study: Study, trial: Trial, run: RunConfig, seed: int) -> bool:
    """Whether there is a result of this very training, over as many stories."""
    path = result_file(study.out, seed, trial.name)
    if not path.is_file():
        return False
    result = json.loads(path.read_text(encoding="utf-8"))
    return bool(
        same_run(result["training"], run)
        and (len(result["stories"]), result["shots"]) == (study.stories, study.shots)
    )


def _measure(study: Study, trial: Trial, run: RunConfig, seed: int, shelf: _Shelf) -> None:
    began = time.monotonic()
    materials = shelf.materials(run)
    player = shelf.player(run, materials)
    source = study.out / f"seed{seed}" / trial.training
    weights = student_weights(source, materials.config, trial.training)
    student = load_network(weights, materials.config, study.place.device).requires_grad_(False)
    shots = player.play(student, materials.source.ablate, seed)
    stories = [measure_story(spec, made) for spec, made in zip(player.specs, shots, strict=True)]
    rows = [
        [picture for clip in story for picture in some_frames(clip, SHOWN_FRAMES)]
        for pair in zip([t.shots for t in player.truth], shots, strict=True)
        for story in pair
    ]
    made = load_record(source)
    path = result_file(study.out, seed, trial.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(rows[: 2 * SHEET_STORIES])).save(path.with_suffix(".png"))
    record = {
        "made_on": made_on(),
        "trial": trial.name,
        "seed": seed,
        "shots": study.shots,
        "rounds": made["rounds"],
        "minutes": round(made["seconds"] / 60, 2),
        "training": made["config"],
        "stories": stories,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record), encoding="utf-8")
    os.replace(part, path)
    print(f"seed {seed}: {trial.name} measured in {time.monotonic() - began:.0f} s", flush=True)
