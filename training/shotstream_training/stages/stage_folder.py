# SPDX-License-Identifier: Apache-2.0
"""What stages hand to one another: a folder with weights and a record, or a file of published weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from shotstream_runtime.model import Student, StudentConfig
from shotstream_runtime.weights.checkpoint import read_checkpoint
from shotstream_runtime.weights.names import STUDENT_ENTRY
from torch import Tensor

from shotstream_training.checkpoint import RECORD, load_stage
from shotstream_training.errors import TrainingError
from shotstream_training.networks import prepare

PUBLISHED_PREFIX = "model."


def is_finished(folder: Path) -> bool:
    """Whether a stage has left its result in a folder."""
    return (folder / RECORD).is_file()


def stage_result(folder: Path, what: str) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Reads the result of a stage.

    Args:
        folder: The stage's folder.
        what: The option that named it, for the message.

    Raises:
        TrainingError: If it holds none.
    """
    try:
        return load_stage(folder)
    except FileNotFoundError as error:
        raise TrainingError(f"{what}: {error}; run that stage first, or give its folder") from error


def student_weights(source: Path, config: StudentConfig, what: str) -> dict[str, Tensor]:
    """Weights of a network of these dimensions.

    Args:
        source: A stage's folder, or a file of published weights.
        config: Dimensions that the weights must have.
        what: The option that named the source, for the message.

    Raises:
        TrainingError: If there are none, or they are of other dimensions.
    """
    if source.is_dir():
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
