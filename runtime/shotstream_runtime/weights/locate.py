# SPDX-License-Identifier: Apache-2.0
"""Finding the parts of a model in a folder, in any of the layouts they are published in.

Looked for in the folder, in its subfolders and in theirs, so that a folder with a clone of each
publisher's repository works as well as everything in one place. The nearest hit wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import WeightsError

STUDENT_FILES = ("shotstream_merged.pt", "shotstream_merged.safetensors")
VIDEO_FILES = ("Wan2.1_VAE.pth", "Wan2.1_VAE.safetensors")
TEXT_FILES = ("models_t5_umt5-xxl-enc-bf16.pth", "models_t5_umt5-xxl-enc-bf16.safetensors")
TOKENIZER_FILES = ("google/umt5-xxl/tokenizer.json",)

_LIBRARY_VIDEO_FILES = (
    "vae/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors.index.json",
)
_LIBRARY_TEXT_FILES = ("text_encoder/model.safetensors", "text_encoder/model.safetensors.index.json")
_LIBRARY_TOKENIZER_FILES = ("tokenizer/tokenizer.json",)

OWN_FORMAT_FILES = (
    "profile.json",
    "student_config.json",
    "student.safetensors",
    "vae_config.json",
    "vae.safetensors",
    "text_config.json",
    "text.safetensors",
    "lexicon.json",
)
"""Files of a model in our own format, that of the built-in mini."""

MINI_FOLDER = Path(__file__).with_name("mini")
"""The built-in model, shipped inside the package."""

_DEPTH = 2


@dataclass(frozen=True)
class PartFile:
    """The file of one part.

    Attributes:
        path: Where its tensors are.
        config: The file beside it that states its dimensions; None where they are the published ones.
        library: Whether it is a part of a diffusers folder, with the libraries' names.
    """

    path: Path
    config: Path | None
    library: bool


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model from its publishers."""

    folder: Path
    student: PartFile
    video: PartFile
    text: PartFile
    tokenizer: Path


def is_own_format(folder: Path) -> bool:
    """Whether the folder holds a model in our own format."""
    return (folder / "student.safetensors").is_file() or (folder / "text.safetensors").is_file()


def require_own_format(folder: Path) -> None:
    """Makes sure that a model in our own format is complete.

    Raises:
        WeightsError: Files are missing; names them.
    """
    missing = [name for name in OWN_FORMAT_FILES if not (folder / name).is_file()]
    if missing:
        fix = "reinstall ShotStream" if folder == MINI_FOLDER else "copy the whole folder of the model"
        raise WeightsError(f"{folder} lacks {', '.join(missing)}; {fix}")


@dataclass(frozen=True)
class FoundParts:
    """What was found of each part; None where nothing was."""

    student: Path | None
    video: Path | None
    text: Path | None
    tokenizer: Path | None


def find_parts(folder: Path) -> FoundParts:
    """Looks for the published files.

    Raises:
        WeightsError: A part is there twice, equally near.
    """
    return FoundParts(
        student=_find(folder, STUDENT_FILES),
        video=_find(folder, VIDEO_FILES, _LIBRARY_VIDEO_FILES),
        text=_find(folder, TEXT_FILES, _LIBRARY_TEXT_FILES),
        tokenizer=_find(folder, TOKENIZER_FILES, _LIBRARY_TOKENIZER_FILES),
    )


def locate(folder: Path) -> ModelFiles:
    """Finds the published files and the configurations beside them.

    Raises:
        WeightsError: The folder or a part is missing, or a part is there twice; says what was looked for.
    """
    if not folder.is_dir():
        raise WeightsError(
            f"{folder} is not a folder; fetch the weights with: shotstream weights fetch {folder}"
        )
    return require_all(folder, find_parts(folder))


def require_all(folder: Path, found: FoundParts) -> ModelFiles:
    """The files of a complete model.

    Raises:
        WeightsError: A part is missing; says what was looked for.
    """
    missing = []
    for path, part, names in (
        (found.student, "the student", STUDENT_FILES[:1]),
        (found.video, "the autoencoder", (VIDEO_FILES[0], _LIBRARY_VIDEO_FILES[0])),
        (found.text, "the text encoder", (TEXT_FILES[0], _LIBRARY_TEXT_FILES[0])),
        (found.tokenizer, "the tokenizer", (TOKENIZER_FILES[0], _LIBRARY_TOKENIZER_FILES[0])),
    ):
        if path is None:
            missing.append(f"{part} ({' or '.join(names)})")
    if found.student is None or found.video is None or found.text is None or found.tokenizer is None:
        raise WeightsError(
            f"{folder} lacks {', '.join(missing)}; fetch the weights with: shotstream weights fetch {folder}"
        )
    video, text = found.video, found.text
    return ModelFiles(
        folder=folder,
        student=_published(found.student, "student_config.json"),
        video=_library(video) if video.parent.name == "vae" else _published(video, "vae_config.json"),
        text=_library(text) if text.parent.name == "text_encoder" else _published(text, "t5_config.json"),
        tokenizer=found.tokenizer,
    )


def _published(path: Path, config_name: str) -> PartFile:
    config = path.with_name(config_name)
    return PartFile(path, config if config.is_file() else None, library=False)


def _library(path: Path) -> PartFile:
    config = path.with_name("config.json")
    if not config.is_file():
        raise WeightsError(f"{config}: no such file; it states the dimensions of {path.name}")
    return PartFile(path, config, library=True)


def _find(folder: Path, *choices: Sequence[str]) -> Path | None:
    """The nearest of the files; in one place, earlier choices win over later ones."""
    for places in _levels(folder):
        for names in choices:
            # A pickle and its safetensors copy side by side are the same weights, the first is as good.
            hits = [hit for place in places if (hit := _first(place, names)) is not None]
            if len(hits) > 1:
                raise WeightsError(
                    f"{folder} holds {hits[0].name} twice: {hits[0]} and {hits[1]}; name the folder you mean"
                )
            if hits:
                return hits[0]
    return None


def _first(place: Path, names: Sequence[str]) -> Path | None:
    return next((place / name for name in names if (place / name).is_file()), None)


def _levels(folder: Path) -> Iterator[list[Path]]:
    level = [folder]
    for _ in range(_DEPTH + 1):
        yield level
        level = [
            child
            for place in level
            for child in sorted(place.iterdir())
            if child.is_dir() and not child.name.startswith(".")
        ]
