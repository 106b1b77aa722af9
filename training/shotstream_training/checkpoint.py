# SPDX-License-Identifier: Apache-2.0
"""What a stage leaves behind: one folder with weights, a record and a picture."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from shotstream_training.made_on import made_on

WEIGHTS = ".safetensors"
RECORD = "stage.json"
SHEET = "sheet.png"
FLOAT16_MAX = 65504.0


def save_stage(
    folder: Path,
    groups: Mapping[str, Mapping[str, Tensor]],
    record: Mapping[str, Any],
    dtype: torch.dtype | None = torch.float16,
) -> None:
    """Writes weights and record; a reader never sees half a file.

    Weights are stored as float16 by default: three more bits of mantissa than bfloat16 at the same size, and
    trained weights lie far inside its range.

    Args:
        folder: Created where missing.
        groups: Tensors by group (``student``, ``text``, ``vae``, ...), one file each: ``group.safetensors``.
        record: JSON values: configurations, curves, metrics. ``made_on`` is added: when, where, with what.
        dtype: Type of stored weights; none keeps each tensor's own.

    Raises:
        ValueError: If a weight is not finite or does not fit into float16; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for group, tensors in groups.items():
        stored: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            value = tensor.detach()
            if value.is_floating_point() and dtype is not None:
                peak = float(value.abs().max()) if value.numel() else 0.0
                if dtype == torch.float16 and not peak < FLOAT16_MAX:  # a NaN fails this comparison as well
                    raise ValueError(f"{group}/{name}: largest magnitude {peak} does not fit into float16")
                value = value.to(dtype)
            stored[name] = value.cpu().contiguous().clone()
        _replace(folder / f"{group}{WEIGHTS}", partial(save_file, stored))
    text = json.dumps({**record, "made_on": made_on()}, indent=1)
    _replace(folder / RECORD, lambda path: path.write_text(text, encoding="utf-8"))


def load_stage(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Reads what `save_stage` wrote; floating tensors come back as float32.

    Raises:
        FileNotFoundError: If the folder holds no finished stage.
    """
    record = load_record(folder)
    groups = {
        path.name.removesuffix(WEIGHTS): {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in load_file(path).items()
        }
        for path in sorted(folder.glob(f"*{WEIGHTS}"))
    }
    return groups, record


def load_record(folder: Path) -> dict[str, Any]:
    """Reads the record of a stage, without its weights.

    Raises:
        FileNotFoundError: If the folder holds no finished stage.
    """
    if not (folder / RECORD).is_file():
        raise FileNotFoundError(f"{folder / RECORD} is missing: not the output folder of a stage")
    record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return record


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    unfinished = path.with_name(path.name + ".part")
    write(unfinished)
    os.replace(unfinished, path)
