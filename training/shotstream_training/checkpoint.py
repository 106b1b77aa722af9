# SPDX-License-Identifier: Apache-2.0
"""What a stage leaves behind: one folder with weights, a record and a picture."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

WEIGHTS = "model.safetensors"
RECORD = "stage.json"
SHEET = "sheet.png"
FLOAT16_MAX = 65504.0


def save_stage(folder: Path, groups: Mapping[str, Mapping[str, Tensor]], record: Mapping[str, Any]) -> None:
    """Writes weights and record; a reader never sees half a file.

    Weights are stored as float16: three more bits of mantissa than bfloat16 at the same size, and trained
    weights lie far inside its range.

    Args:
        folder: Created where missing.
        groups: Tensors by group (``student``, ``text``, ``vae``, ...); stored as ``group/name``.
        record: JSON values: configurations, curves, metrics.

    Raises:
        ValueError: If a weight is not finite or does not fit into float16; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flat: dict[str, Tensor] = {}
    for group, tensors in groups.items():
        for name, tensor in tensors.items():
            value = tensor.detach()
            if value.is_floating_point():
                peak = float(value.abs().max()) if value.numel() else 0.0
                if not peak < FLOAT16_MAX:  # a NaN fails this comparison as well
                    raise ValueError(f"{group}/{name}: largest magnitude {peak} does not fit into float16")
                value = value.to(torch.float16)
            flat[f"{group}/{name}"] = value.cpu().contiguous().clone()
    _replace(folder / WEIGHTS, lambda path: save_file(flat, path))
    _replace(folder / RECORD, lambda path: path.write_text(json.dumps(record, indent=1), encoding="utf-8"))


def load_stage(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Reads what `save_stage` wrote; floating tensors come back as float32.

    Raises:
        FileNotFoundError: If the folder holds no finished stage.
    """
    for name in (WEIGHTS, RECORD):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing: not the output folder of a stage")
    groups: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_file(folder / WEIGHTS).items():
        group, _, name = key.partition("/")
        groups.setdefault(group, {})[name] = tensor.float() if tensor.is_floating_point() else tensor
    return groups, json.loads((folder / RECORD).read_text(encoding="utf-8"))


def _replace(path: Path, write: Any) -> None:
    partial = path.with_name(path.name + ".part")
    write(partial)
    os.replace(partial, path)
