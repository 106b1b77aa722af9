# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that a stage goes on from as if it had never stopped.

Randomness is a function of the seed and of the samples' places (`draws`), so weights, optimiser states,
averages and two counts are all there is to keep.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

FOLDER = "resume"
STATE = "state.json"
FORMAT = 1

Groups = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes:
        rounds: Rounds done.
        position: Places of the data shown.
        seconds: Training time used, for budgets by the clock.
        settings: The stage's whole configuration; another one cannot go on from here.
        curves: Rows of the curves so far.
    """

    rounds: int
    position: int
    seconds: float
    settings: dict[str, Any]
    curves: list[dict[str, float]] = field(default_factory=list)


def save_progress(out: Path, progress: Progress, groups: Groups) -> None:
    """Writes a checkpoint into ``out/resume``; the one before it stays until this one is complete.

    Args:
        out: The stage's folder.
        progress: Counts and curves.
        groups: Tensors in their own types, one file each; no two share memory.
    """
    target, part, old = (out / f"{FOLDER}{suffix}" for suffix in ("", ".part", ".old"))
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, tensors in groups.items():
        save_file({key: t.contiguous() for key, t in tensors.items()}, part / f"{name}.safetensors")
    content = {"format": FORMAT, **vars(progress)}
    (part / STATE).write_text(json.dumps(content), encoding="utf-8")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.replace(target, old)
    os.replace(part, target)
    shutil.rmtree(old, ignore_errors=True)


def read_progress(out: Path, settings: Mapping[str, Any]) -> tuple[Progress, Path] | None:
    """How far the last complete checkpoint is, and its folder; none where there is none.

    Args:
        out: The stage's folder.
        settings: The configuration that wants to go on.

    Raises:
        ValueError: If the checkpoint was made with other settings; names the first that differs.
    """
    # A stop between the two renames of a save leaves the older one only.
    folder = next((out / name for name in (FOLDER, f"{FOLDER}.old") if (out / name / STATE).is_file()), None)
    if folder is None:
        return None
    content = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if content.pop("format", None) != FORMAT:
        raise ValueError(f"{folder} was written by another version; delete it to start afresh")
    progress = Progress(**content)
    difference = _first_difference(progress.settings, dict(settings))
    if difference:
        raise ValueError(
            f"{folder} was made with {difference}; give the same settings to go on, "
            "or another --out to start afresh"
        )
    return progress, folder


def load_progress(
    out: Path, settings: Mapping[str, Any]
) -> tuple[Progress, dict[str, dict[str, Tensor]]] | None:
    """Reads the last complete checkpoint with its tensors; otherwise as `read_progress`."""
    found = read_progress(out, settings)
    if found is None:
        return None
    progress, folder = found
    return progress, {path.stem: load_file(path) for path in sorted(folder.glob("*.safetensors"))}


def _first_difference(before: Any, now: Any, name: str = "") -> str | None:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            found = _first_difference(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
            if found:
                return found
        return None
    return None if before == now else f"{name}={before!r}, now {now!r}"
