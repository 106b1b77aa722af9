# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a take's manifest, from ``shotstream play`` or ``render``, from Unreal or from here. No Blender."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import take_files


class CannotRead(Exception):
    """The file is no take, or not one that can be read."""


class _Part(BaseModel):
    # Times and notices are of no use here.
    model_config = ConfigDict(extra="ignore")


class BeatPart(_Part):
    """A beat of the story."""

    id: str
    text: str
    mode: str
    policy: str = "queue"
    shot: int | None = None
    first_frame: int | None = None
    frames: int = Field(default=0, ge=0)
    outcome: str | None = None
    reason: str | None = None


class ShotPart(_Part):
    """A shot: frames ``first_frame`` and on."""

    shot: int = Field(ge=0)
    first_frame: int = Field(ge=0)
    frames: int = Field(ge=0)
    beats: list[str] = []


class ModelPart(_Part):
    """What made it."""

    name: str
    width: int = Field(ge=1, le=16384)
    height: int = Field(ge=1, le=16384)


class Manifest(_Part):
    """A take; see ``docs/`` of ShotStream for the whole format."""

    format: Literal["shotstream-take"]
    version: Literal[1]
    title: str | None = None
    global_caption: str
    seed: int = Field(ge=0)
    model: ModelPart
    fps: float = Field(gt=0, le=1000)
    frames: int = Field(ge=0)
    movie: str | None = None
    pictures: str | None = None
    beats: list[BeatPart]
    shots: list[ShotPart]

    def length_of(self, shot: ShotPart) -> int:
        """Frames that a shot lasts, those that were skipped included."""
        later = [other.first_frame for other in self.shots if other.first_frame > shot.first_frame]
        ends = [
            b.first_frame + b.frames for b in self.beats if b.shot == shot.shot and b.first_frame is not None
        ]
        end = max([shot.first_frame + shot.frames, *ends])
        return min([end, *later]) - shot.first_frame


def read(path: Path) -> Manifest:
    """Reads a manifest.

    Args:
        path: Of the file, or of the take's folder.

    Raises:
        CannotRead: It is no manifest of a version that is known here, or names a file outside of its folder.
    """
    path = path / take_files.MANIFEST if path.is_dir() else path
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CannotRead(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        where = f"{path}: {field}" if field else str(path)
        raise CannotRead(f"{where}: not a ShotStream take: {first['msg']}") from error
    folder = path.parent.resolve()
    for name in (manifest.movie, manifest.pictures):
        if name is not None and not (folder / name).resolve().is_relative_to(folder):
            raise CannotRead(f"{path}: {name!r} is outside of the take's folder")
    if manifest.movie is None and manifest.pictures is None:
        raise CannotRead(f"{path}: the take names neither a movie nor pictures")
    if not manifest.shots:
        raise CannotRead(f"{path}: the take has no shot")
    return manifest
