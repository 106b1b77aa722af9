# SPDX-License-Identifier: Apache-2.0
# Copyright the ShotStream authors.
"""Reads a take, and says what a Level Sequence of it will hold. Needs no engine.

Takes come from this plugin, from ``shotstream play`` and ``render``, and from Blender.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

FORMAT = "shotstream-take"
VERSION = 1
MANIFEST = "manifest.json"
_PICTURE = re.compile(r"(\d{6,})\.png")
_LABEL_CHARS = 80


class CannotImport(Exception):
    """The take cannot be read, or not be imported; the message says why."""


@dataclass(frozen=True)
class Shot:
    """A shot: ``frames`` frames from ``first_frame`` of the story on, and what was asked for."""

    number: int
    first_frame: int
    frames: int
    text: str


@dataclass(frozen=True)
class Take:
    """A take as its manifest tells of it. One of `pictures` (a folder of PNG files) and `movie` is there."""

    folder: Path
    title: str
    fps: Fraction
    width: int
    height: int
    pictures: Path | None
    movie: Path | None
    frames: int
    skipped_frames: int
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Plan:
    """What the sequence will hold. Frames count from 0 at its beginning, at the take's own rate.

    Attributes:
        name: Of the sequence; the other assets are named after it.
        media: What the media source is given: the movie, or the first picture, which stands for its folder.
        length: In frames.
        marks: Frame and label of each shot.
        warnings: What the user should know.
    """

    name: str
    media: Path
    length: int
    marks: tuple[tuple[int, str], ...]
    warnings: tuple[str, ...]


def read_take(path: str | Path) -> Take:
    """Reads a take.

    Args:
        path: Its folder, or its manifest.

    Raises:
        CannotImport: There is no take, it is of another version, or its pictures are not there.
    """
    given = Path(path).resolve()
    manifest_path = given / MANIFEST if given.is_dir() else given
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotImport(f"{manifest_path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise CannotImport(f"{manifest_path}: is no JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CannotImport(f"{manifest_path}: is no manifest of a take")
    if manifest.get("version") != VERSION:
        raise CannotImport(
            f"{manifest_path}: version {manifest.get('version')!r} is not known; this plugin reads {VERSION}"
        )
    try:
        return _take_of(manifest, manifest_path.parent)
    except (KeyError, TypeError, ValueError) as error:
        raise CannotImport(f"{manifest_path}: is damaged: {error!r}") from error


def _take_of(manifest: dict[str, Any], folder: Path) -> Take:
    texts = {str(beat["id"]): str(beat["text"]) for beat in manifest["beats"]}
    shots = sorted((_shot_of(shot, texts) for shot in manifest["shots"]), key=lambda shot: shot.first_frame)
    fps = Fraction(float(manifest["fps"])).limit_denominator(1001)
    if not shots or fps <= 0:
        raise CannotImport(f"{folder / MANIFEST}: the take has no shot")
    pictures = _inside(folder, manifest.get("pictures"))
    movie = _inside(folder, manifest.get("movie"))
    if pictures is not None and not numbers_of(pictures):
        raise CannotImport(f"{pictures}: holds no pictures named 000000.png and on")
    if pictures is None and (movie is None or not movie.is_file()):
        raise CannotImport(f"{folder / MANIFEST}: neither the take's pictures nor its movie are there")
    return Take(
        folder=folder,
        title=str(manifest.get("title") or folder.name),
        fps=fps,
        width=int(manifest["model"]["width"]),
        height=int(manifest["model"]["height"]),
        pictures=pictures,
        movie=None if pictures is not None else movie,
        frames=int(manifest["frames"]),
        skipped_frames=int(manifest.get("skipped_frames", 0)),
        shots=tuple(shots),
    )


def _shot_of(shot: dict[str, Any], texts: dict[str, str]) -> Shot:
    said = [texts[beat] for beat in map(str, shot["beats"]) if beat in texts]
    return Shot(int(shot["shot"]), int(shot["first_frame"]), int(shot["frames"]), " / ".join(said))


def _inside(folder: Path, name: object) -> Path | None:
    """A file of the take; a manifest must not name anything outside of it."""
    if name is None:
        return None
    path = folder / str(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CannotImport(f"{folder / MANIFEST}: {name!r} is outside of the take's folder")
    return path


def numbers_of(pictures: Path) -> list[int]:
    """The numbers of the pictures in a folder, in order."""
    if not pictures.is_dir():
        return []
    found = (_PICTURE.fullmatch(path.name) for path in pictures.iterdir())
    return sorted(int(match[1]) for match in found if match)


def plan_import(take: Take) -> Plan:
    """What to make of a take: the sequence's length, and where its shots begin."""
    warnings = []
    if take.pictures is not None:
        numbers = numbers_of(take.pictures)
        first = numbers[0]
        media = take.pictures / f"{first:06d}.png"
        length = numbers[-1] - first + 1
        missing = length - len(numbers)
        if missing:
            warnings.append(f"{missing} of {length} frames are missing, and blank in the sequence")
    elif take.movie is not None:
        media = take.movie
        # A movie has the frames that were recorded, without gaps for those that were not.
        first = take.shots[0].first_frame
        length = take.frames
        if take.skipped_frames:
            warnings.append(f"{take.skipped_frames} frames were skipped, so that later shots begin early")
    else:
        raise CannotImport(f"{take.folder}: there are neither pictures nor a movie")
    marks = []
    for shot in take.shots:
        frame = max(0, shot.first_frame - first)
        if frame < length:
            marks.append((frame, f"{shot.number + 1}: {shot.text}"[:_LABEL_CHARS]))
    name = "LS_" + (
        re.sub(r"[^A-Za-z0-9]+", "_", f"{take.title}_{take.folder.name}").strip("_")[:60] or "Take"
    )
    return Plan(name, media, length, tuple(marks), tuple(warnings))
