# SPDX-License-Identifier: Apache-2.0
"""Which tensors, of which shapes, a file of weights has to hold: published files and library folders.

Shapes come from the models themselves, built on the meta device: nothing is allocated, and a layout cannot
drift from the model it is loaded into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import AutoencoderKLWan
from torch import nn

from ..codecs.umt5_config import Umt5Config
from ..codecs.video_config import VideoCodecConfig
from ..model.config import StudentConfig
from ..model.rope import RotaryEmbedding
from ..model.student import Student
from . import names
from .checkpoint import Tensors
from .errors import CheckpointError

if TYPE_CHECKING:
    from transformers import UMT5EncoderModel

_SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class Layout:
    """The tensors of one file.

    Attributes:
        shapes: Shape of every tensor, by its name in the file.
        targets: Names in our module that receive it, by its name in the file.
        aliases: Names that may stand in the file beside or instead of others, with those others.
    """

    shapes: dict[str, tuple[int, ...]]
    targets: dict[str, tuple[str, ...]]
    aliases: dict[str, str]

    @property
    def parameters(self) -> int:
        """Numbers in all tensors together."""
        return sum(torch.Size(shape).numel() for shape in self.shapes.values())

    def problems(self, tensors: Tensors) -> list[str]:
        """What of a file's content does not fit: one line for each tensor, in the layout's order."""
        tensors = self._resolved(tensors)
        found = [
            f"tensor '{name}' is missing (expected shape {list(shape)})"
            if name not in tensors
            else _misfit(name, tuple(tensors[name].shape), shape)
            for name, shape in self.shapes.items()
        ]
        found += [
            _misfit(name, tuple(tensors[name].shape), self.shapes[first])
            for name, first in self.aliases.items()
            if name in tensors
        ]
        found += [
            f"tensor '{name}' of type {tensor.dtype} holds no weights"
            for name, tensor in tensors.items()
            if name in self.shapes and not tensor.is_floating_point()
        ]
        unexpected = (name for name in tensors if name not in self.shapes and name not in self.aliases)
        found += [
            f"tensor '{name}' of shape {list(tensors[name].shape)} is unexpected" for name in unexpected
        ]
        return [line for line in found if line]

    def load(self, module: nn.Module, tensors: Tensors, source: Path) -> None:
        """Gives a module the tensors of a file, which they stay mapped to.

        Raises:
            CheckpointError: A tensor is missing, unexpected or of another shape; names file, tensor and
                shapes.
        """
        problems = self.problems(tensors)
        if problems:
            shown = "; ".join(problems[:_SHOWN_PROBLEMS])
            more = len(problems) - _SHOWN_PROBLEMS
            raise CheckpointError(f"{source}: {shown}" + (f"; and {more} more problems" if more > 0 else ""))
        tensors = self._resolved(tensors)
        state = {target: tensors[name] for name, targets in self.targets.items() for target in targets}
        module.load_state_dict(state, strict=True, assign=True)

    def _resolved(self, tensors: Tensors) -> Tensors:
        """With what stands in the file under an alias only."""
        substitutes = {
            first: tensors[name]
            for name, first in self.aliases.items()
            if name in tensors and first not in tensors
        }
        return tensors | substitutes


def _misfit(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if shape == expected:
        return ""
    return f"tensor '{name}' has shape {list(shape)}; expected {list(expected)}"


def blank_student(config: StudentConfig) -> Student:
    """A student without memory behind its weights, ready to be given some."""
    with torch.device("meta"):
        student = Student(config)
    # Its rotary frequencies are computed, not loaded: they need real numbers.
    student.rotary = RotaryEmbedding(config)
    return student.eval()


def blank_video(config: VideoCodecConfig) -> AutoencoderKLWan:
    """An autoencoder without memory behind its weights."""
    with torch.device("meta"):
        return config.build()


def blank_text(config: Umt5Config) -> UMT5EncoderModel:
    """A text encoder without memory behind its weights."""
    with torch.device("meta"):
        return config.build()


def student_layout(config: StudentConfig) -> Layout:
    """The `generator` entry of the published student file (825 tensors at the published dimensions)."""
    return _layout(blank_student(config), names.published_student_name)


def video_layout(config: VideoCodecConfig) -> Layout:
    """The published autoencoder file (194 tensors)."""
    return _layout(blank_video(config), lambda name: names.published_video_name(name, config.num_res_blocks))


def text_layout(config: Umt5Config) -> Layout:
    """The published text encoder file (242 tensors)."""
    return _layout(blank_text(config), names.published_text_name, doubled=True)


def library_student_layout(config: StudentConfig) -> Layout:
    """A file with the names of `Student` itself."""
    return _layout(blank_student(config))


def library_video_layout(config: VideoCodecConfig) -> Layout:
    """The autoencoder of a diffusers folder."""
    return _layout(blank_video(config))


def library_text_layout(config: Umt5Config) -> Layout:
    """The text encoder of a diffusers folder; it may hold the embedding under one name or both."""
    return _layout(blank_text(config), doubled=True, alias=names.UMT5_EMBEDDING_ALIAS)


def _layout(
    module: nn.Module,
    rename: Callable[[str], str] = lambda name: name,
    *,
    doubled: bool = False,
    alias: str | None = None,
) -> Layout:
    shapes: dict[str, tuple[int, ...]] = {}
    targets: dict[str, tuple[str, ...]] = {}
    for own, tensor in module.state_dict().items():
        if doubled and own == names.UMT5_EMBEDDING_ALIAS:
            continue
        name = rename(own)
        shapes[name] = tuple(tensor.shape)
        targets[name] = (own, names.UMT5_EMBEDDING_ALIAS) if doubled and own == "shared.weight" else (own,)
    return Layout(shapes, targets, {alias: "shared.weight"} if alias else {})
