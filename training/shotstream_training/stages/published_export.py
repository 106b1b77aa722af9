# SPDX-License-Identifier: Apache-2.0
"""A trained student of the published form as the file that the runtime looks for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from shotstream_runtime.weights.locate import STUDENT_FILES
from shotstream_runtime.weights.names import published_student_name

from shotstream_training.errors import TrainingError
from shotstream_training.stages.stage_folder import stage_result

STUDENT_FILE = next(name for name in STUDENT_FILES if name.endswith(".safetensors"))
CONFIG_FILE = "student_config.json"


def export_published(student: Path, out: Path, dtype: torch.dtype = torch.bfloat16) -> Path:
    """Writes a stage's student under the published names, its dimensions beside it.

    Put into a folder with the published autoencoder and text encoder, `load_model` takes it.

    Args:
        student: Folder of the stage.
        out: Folder for the two files.
        dtype: Type of the stored weights.

    Returns:
        The file of the weights.

    Raises:
        TrainingError: If the folder holds no finished stage, or one with a text side of mini's kind.
    """
    groups, record = stage_result(student, "--student")
    if "text" in groups:
        raise TrainingError(
            f"--student: {student} is of mini's kind; give the folder of its autoencoder with --vae"
        )
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        published_student_name(name): tensor.to(dtype).contiguous()
        for name, tensor in groups["student"].items()
    }
    path = out / STUDENT_FILE
    part = path.with_name(path.name + ".part")
    save_file(tensors, part)
    os.replace(part, path)
    text = json.dumps(record["student_config"], indent=2) + "\n"
    (out / CONFIG_FILE).write_text(text, encoding="utf-8")
    return path
