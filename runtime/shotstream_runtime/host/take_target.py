# SPDX-License-Identifier: Apache-2.0
"""Where a take goes: the names of its files, and whether they may be written there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .errors import TakeError
from .manifest import read_manifest
from .movie import holds_only_pictures

MOVIE_NAME = "movie.mp4"
PICTURES_NAME = "frames"
_FOREIGN_MOVIE_SUFFIXES = frozenset({".mov", ".avi", ".mkv", ".webm", ".gif", ".m4v"})
# No folder is called so on purpose; `take.v2` may be.
_FILE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".json", ".yaml", ".yml", ".txt", ".md", ".zip", ".blend"}
)
# What file managers leave behind in a folder that is empty to whoever looks at it.
_FOLDER_LITTER = frozenset({"thumbs.db", "desktop.ini"})


class TakePictures(StrEnum):
    """How the frames of a take are kept."""

    MOVIE = "movie"
    PNG = "png"


@dataclass(frozen=True)
class TakeTarget:
    """The names of a take's files.

    Attributes:
        pictures_path: The movie, or the folder of PNG files.
        contact_sheet: The contact sheet.
        manifest: The manifest.
        pictures: Which of the two `pictures_path` is.
        own_folder: Whether the take has a folder to itself.
        force: Whether files that are no earlier take's may be replaced.
    """

    pictures_path: Path
    contact_sheet: Path
    manifest: Path
    pictures: TakePictures
    own_folder: bool
    force: bool = False

    @staticmethod
    def resolve(
        path: Path, pictures: TakePictures = TakePictures.MOVIE, *, force: bool = False
    ) -> TakeTarget:
        """Names the files of a take.

        Args:
            path: ``NAME.mp4`` for a movie with its contact sheet and manifest beside it, or a folder.
            pictures: What a folder holds: ``movie.mp4``, or ``frames/`` with PNG files.
            force: Whether files that are no earlier take's may be replaced.

        Raises:
            TakeError: The name asks for a format that is not written, or for PNG files in an MP4.
        """
        suffix = path.suffix.lower()
        if suffix == ".mp4":
            if pictures is TakePictures.PNG:
                raise TakeError(f"{path}: PNG files go into a folder; give -o a name without .mp4")
            return TakeTarget(
                pictures_path=path,
                contact_sheet=path.with_name(f"{path.stem}.contact_sheet.png"),
                manifest=path.with_name(f"{path.stem}.manifest.json"),
                pictures=pictures,
                own_folder=False,
                force=force,
            )
        if suffix in _FOREIGN_MOVIE_SUFFIXES:
            raise TakeError(f"{path}: movies are written as .mp4; use {path.with_suffix('.mp4').name}")
        if suffix in _FILE_SUFFIXES:
            raise TakeError(f"{path}: a take is an .mp4 or a folder; use {path.with_suffix('.mp4').name}")
        return TakeTarget(
            pictures_path=path / (MOVIE_NAME if pictures is TakePictures.MOVIE else PICTURES_NAME),
            contact_sheet=path / "contact_sheet.png",
            manifest=path / "manifest.json",
            pictures=pictures,
            own_folder=True,
            force=force,
        )

    def check(self) -> None:
        """Makes sure that the take can be written, before anything is generated; leaves nothing behind.

        An earlier take may be replaced; anything else that stands in the way only with `force`.

        Raises:
            TakeError: It cannot, with the reason.
        """
        self._refuse_foreign()
        folder = self.manifest.parent
        probe = folder / f".{self.manifest.name}.probe"
        missing = missing_folders(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise TakeError(
                f"{folder}: the take cannot be written here: {error.strerror or error}"
            ) from error
        finally:
            remove_empty(missing)
        path = self.pictures_path
        if self.pictures is TakePictures.MOVIE and path.is_dir():
            raise TakeError(f"{path}: is a folder; remove it or choose another name")
        if (
            self.pictures is TakePictures.PNG
            and path.exists()
            and not (path.is_dir() and holds_only_pictures(path))
        ):
            raise TakeError(f"{path}: holds other things than a take's pictures; choose another place")

    def _refuse_foreign(self) -> None:
        if self.force:
            return
        try:
            foreign = self._foreign()
        except OSError as error:
            folder = self.manifest.parent
            raise TakeError(
                f"{folder}: the take cannot be written here: {error.strerror or error}"
            ) from error
        if foreign is None:
            return
        if self.own_folder:
            folder = self.manifest.parent
            raise TakeError(
                f"{folder}: holds {foreign.name!r}, which is no part of an earlier take; "
                "choose a new or empty folder with -o, or use --force to write into this one"
            )
        raise TakeError(
            f"{foreign}: is there already and is no part of an earlier take; "
            "choose another name with -o, or use --force to replace it"
        )

    def _foreign(self) -> Path | None:
        """Something in the take's place that no earlier take left there; None if there is nothing."""
        if self.manifest.exists():
            try:
                old = read_manifest(self.manifest)
            except TakeError:
                return self.manifest
            owned = {old.movie, old.pictures, old.contact_sheet}
            written = (self.pictures_path, self.contact_sheet)
            return next((path for path in written if path.exists() and path.name not in owned), None)
        if self.own_folder:
            folder = self.manifest.parent
            return next(filter(_is_content, sorted(folder.iterdir())), None) if folder.exists() else None
        return next((path for path in (self.pictures_path, self.contact_sheet) if path.exists()), None)


def _is_content(path: Path) -> bool:
    # A run that was killed leaves hidden files of its own.
    return not path.name.startswith(".") and path.name.lower() not in _FOLDER_LITTER


def missing_folders(folder: Path) -> list[Path]:
    """A folder and those above it that do not exist, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def remove_empty(folders: list[Path]) -> None:
    """Removes those of the folders that are there and empty, in this order."""
    for folder in folders:
        with contextlib.suppress(OSError):  # not empty, or never made
            folder.rmdir()
