# SPDX-License-Identifier: Apache-2.0
"""How far the loading of a model is, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

Report = Callable[[str, float], None]
"""Told what is being done, in a few words for people, and the fraction of the whole that is done (0 to 1)."""

# Of the whole, when all files are opened and found right. Tensors stay mapped, so that most of a file is
# read only when its weights are moved.
_READ: Final = 0.1
_STEP: Final = 0.01  # smaller ones are not told


def silent(what: str, fraction: float) -> None:
    """Tells nobody."""


def between(report: Report, first: float, last: float) -> Report:
    """A report on a part of the whole.

    Args:
        report: Is told of the whole.
        first: The fraction of it at which the part begins.
        last: And ends.
    """
    return lambda what, fraction: report(what, first + (last - first) * fraction)


@dataclass(slots=True)
class PartReport:
    """Reports on one part of a model.

    Attributes:
        name: The part, for people.
        device: Where it is moved.
        report: Is told, with the fraction of the whole.
        opened: The fraction of the whole at which its file is opened.
        share: The fractions of the whole from which and up to which it is moved.
        told: What was told last.
    """

    name: str
    device: torch.device
    report: Report
    opened: float
    share: tuple[float, float]
    told: float = -1.0

    def reading(self) -> None:
        """Its file is opened."""
        self.report(f"reading {self.name}", self.opened)

    def moving(self, fraction: float) -> None:
        """So much of it is where it will compute."""
        first, last = self.share
        done = first + (last - first) * fraction
        if done >= self.told + _STEP:
            self.told = done
            self.report(f"moving {self.name} to {self.device}", done)


def weighted(report: Report, files: Mapping[str, Path], device: torch.device) -> dict[str, PartReport]:
    """Reports on a model's parts, each with the share that its file has in the size of all.

    Args:
        report: Is told, with the fraction of all parts together.
        files: Each part's file, in the order of loading.
        device: Where they are moved.
    """
    sizes = {name: _size(path) for name, path in files.items()}
    total = sum(sizes.values())
    parts: dict[str, PartReport] = {}
    done = 0
    for number, (name, size) in enumerate(sizes.items()):
        share = (_moved(done / total), _moved((done + size) / total))
        parts[name] = PartReport(name, device, report, _READ * number / len(sizes), share)
        done += size
    return parts


def _moved(fraction: float) -> float:
    return _READ + (1 - _READ) * fraction


def _size(path: Path) -> int:
    """Bytes of a file, or of all beside an index; a file that is missing is found out when it is read."""
    files = path.parent.glob("*.safetensors") if path.suffix == ".json" else (path,)
    return max(1, sum(file.stat().st_size for file in files if file.is_file()))
