# SPDX-License-Identifier: Apache-2.0
"""Where the files of one story lie. No name in it comes from a client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True, slots=True)
class StoryFolder:
    """The folder of a story: ``records.sqlite``, ``shots/SHOT/CHUNK.mkv``, ``state/``.

    Attributes:
        path: The folder.
    """

    path: Path

    def chunk_movie(self, shot: int, chunk: int) -> Path:
        """The frames of a chunk."""
        return self._shot(shot) / f"{chunk:05d}.mkv"

    def latents(self, shot: int, chunk: int) -> Path:
        """The clean latents of a chunk of the running shot."""
        return self.state / f"{shot:05d}-{chunk:05d}.latents"

    def history(self, shot: int) -> Path:
        """The condition frames of a finished shot."""
        return self.state / f"{shot:05d}.history"

    @property
    def state(self) -> Path:
        """What is needed to go on, and not after the story has ended."""
        return self.path / "state"

    def latents_before(self, shot: int) -> Iterator[Path]:
        """Latents of shots before one, that are no longer needed."""
        for path in self.state.glob("*.latents"):
            if _leading_number(path) < shot:
                yield path

    def histories_before(self, shot: int) -> Iterator[Path]:
        """Condition frames of shots before one."""
        for path in self.state.glob("*.history"):
            if _leading_number(path) < shot:
                yield path

    def chunk_movies(self) -> list[tuple[int, int, Path]]:
        """All chunks that have a file, as (shot, chunk, file), in order."""
        found = [
            (int(path.parent.name), int(path.stem), path)
            for path in self.path.glob("shots/*/*.mkv")
            if _NUMBER.fullmatch(path.parent.name) and _NUMBER.fullmatch(path.stem)
        ]
        return sorted(found)

    def size(self) -> int:
        """Bytes of all its files."""
        total = 0
        for path in self.path.rglob("*"):
            try:
                if path.is_file():
                    total += path.stat().st_size
            except OSError:  # removed meanwhile
                continue
        return total

    def _shot(self, shot: int) -> Path:
        return self.path / "shots" / f"{shot:05d}"


def _leading_number(path: Path) -> int:
    match = _NUMBER.match(path.name)
    return int(match.group()) if match else 0
