# SPDX-License-Identifier: Apache-2.0
"""What stages start from: another stage, a finished model of mini's kind, or a file of published weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.weights.checkpoint import read_checkpoint
from shotstream_runtime.weights.errors import WeightsError
from shotstream_runtime.weights.load import LoadedModel, load_model
from shotstream_runtime.weights.locate import MINI_FOLDER
from shotstream_runtime.weights.names import STUDENT_ENTRY
from torch import Tensor

from shotstream_training.checkpoint import RECORD, load_record, load_stage
from shotstream_training.errors import TrainingError
from shotstream_training.latent_codec import LatentCodec
from shotstream_training.networks import prepare

PUBLISHED_PREFIX = "model."

BUILT_IN = Path("mini")
"""Names the built-in model wherever a stage's folder may be given."""

Groups = dict[str, dict[str, Tensor]]


def is_finished(folder: Path) -> bool:
    """Whether a stage has left its result in a folder."""
    return (folder / RECORD).is_file()


def model_folder(source: Path) -> Path | None:
    """The folder of the finished model that a source names; none where it names something else."""
    if source == BUILT_IN:
        return MINI_FOLDER
    return source if (source / "profile.json").is_file() and not is_finished(source) else None


def model_parts(model: LoadedModel) -> tuple[Groups, dict[str, Any]]:
    """A finished model of mini's kind as a stage would have left it: ``student``, ``text`` and ``vae``."""
    config = dict(model.video.vae.config)
    config["latents_mean"], config["latents_std"] = list(config["latents_mean"]), list(config["latents_std"])
    parts = {"student": model.student, "text": model.text.inner, "vae": model.video.vae}
    groups = {
        name: {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in state.items()}
        for name, state in ((name, part.state_dict()) for name, part in parts.items())
    }
    return groups, {"student_config": model.student.config.to_dict(), "vae_config": config}


def stage_result(folder: Path, what: str) -> tuple[Groups, dict[str, Any]]:
    """Reads the result of a stage, or the parts of a finished model.

    Args:
        folder: The stage's folder, a model's, or ``mini``.
        what: The option that named it, for the message.

    Raises:
        TrainingError: If it holds neither.
    """
    model = model_folder(folder)
    if model is not None:
        try:
            return model_parts(load_model(model))
        except WeightsError as error:
            raise TrainingError(f"{what}: {error}") from error
    try:
        return load_stage(folder)
    except FileNotFoundError as error:
        raise TrainingError(
            f"{what}: {folder} holds no finished stage and no model; run that stage first, or give its folder"
        ) from error


def is_file_of_weights(source: Path) -> bool:
    """Whether a source is a file of published weights, which holds a student and nothing else."""
    return source.is_file()


def words_folder(given: Path | None, start: Path | None = None) -> Path:
    """The model folder with the word table and the lexicon that a text side reads with.

    Args:
        given: The folder that the configuration names.
        start: What the text side's weights come from; it knows where its words are.
    """
    if given is None and start is not None:
        given = model_folder(start)
        if given is None and is_finished(start):
            given = Path(load_record(start).get("words", BUILT_IN))
    return MINI_FOLDER if given is None or given == BUILT_IN else given


def open_codec(source: Path, device: torch.device, what: str) -> LatentCodec:
    """The autoencoder of a stage or of a model.

    Args:
        source: Folder of the ``vae`` stage or of a model, or ``mini``.
        device: Where it works.
        what: The option that named the source, for the message.

    Raises:
        TrainingError: If there is none.
    """
    groups, record = stage_result(source, what)
    if "vae" not in groups:
        raise TrainingError(f"{what}: {source} is a {record.get('stage')} stage and holds no autoencoder")
    return LatentCodec.from_weights(groups["vae"], record["vae_config"], device)


def student_weights(source: Path, config: StudentConfig, what: str) -> dict[str, Tensor]:
    """Weights of a network of these dimensions.

    Args:
        source: A stage's or a model's folder, ``mini``, or a file of published weights.
        config: Dimensions that the weights must have.
        what: The option that named the source, for the message.

    Raises:
        TrainingError: If there are none, or they are of other dimensions.
    """
    if not is_file_of_weights(source):
        groups, record = stage_result(source, what)
        _same_dimensions(StudentConfig.from_dict(record["student_config"]), config, source, what)
        return groups["student"]
    tensors = read_checkpoint(source, STUDENT_ENTRY)
    return {name.removeprefix(PUBLISHED_PREFIX): tensor.float() for name, tensor in tensors.items()}


def load_network(weights: Mapping[str, Tensor], config: StudentConfig, device: torch.device) -> Student:
    """A network with given weights, for training.

    Raises:
        TrainingError: If a tensor is missing, unknown, or of another shape; names the first.
    """
    student = Student(config)
    own = student.state_dict()
    for name, tensor in own.items():
        if name not in weights:
            raise TrainingError(f"weights lack {name!r}; they belong to another network")
        if weights[name].shape != tensor.shape:
            found, wanted = list(weights[name].shape), list(tensor.shape)
            raise TrainingError(f"weights: {name!r} has shape {found}, the configuration asks for {wanted}")
    unknown = sorted(weights.keys() - own.keys())
    if unknown:
        raise TrainingError(f"weights hold {unknown[0]!r}, which this network does not have")
    student.load_state_dict(dict(weights))
    return prepare(student, device)


def _same_dimensions(found: StudentConfig, wanted: StudentConfig, source: Path, what: str) -> None:
    before, now = found.to_dict(), wanted.to_dict()
    for name, value in before.items():
        if now[name] != value:
            raise TrainingError(
                f"{what}: {source} was trained with {name}={value}, this run has {now[name]}; "
                f"set student.change.{name} alike"
            )
