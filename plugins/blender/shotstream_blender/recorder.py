# SPDX-License-Identifier: GPL-3.0-or-later
"""Every frame to disk as it arrives, in a time that the user interface does not notice.

Compressing takes ten times longer than a frame may: raw pixels are appended to a file for each shot, and a
child process makes PNG files and a movie of them once the shot is there (see :mod:`.finishing`).
"""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from . import take_files


@dataclass
class ShotSpool:
    """The raw frames of one shot.

    Attributes:
        path: RGB8 pictures, one after the other.
        indices: Number in the take of each of them.
        dropped: How many of them are in files, and not here any more.
    """

    shot: int
    path: Path
    width: int
    height: int
    first_frame: int
    indices: list[int] = field(default_factory=list)
    dropped: int = 0
    file: BinaryIO | None = None

    def close(self) -> None:
        """No further frame comes, unless the shot is continued."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def drop(self) -> None:
        """Every frame is in a file."""
        self.close()
        self.dropped = len(self.indices)
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


class Recorder:
    """Writes the frames of a take.

    Args:
        take: What is told of the frames.
    """

    def __init__(self, take: take_files.Take) -> None:
        self.take = take
        self.spools: dict[int, ShotSpool] = {}

    def add(self, header, payload) -> ShotSpool:
        """Appends a frame.

        Args:
            header: The frame's header.
            payload: uint8 ``[height * width * 3]``, RGB8.

        Raises:
            OSError: The disk is full, or the folder is gone.
        """
        spool = self.spools.get(header.shot)
        if spool is None:
            for earlier in self.spools.values():
                earlier.close()
            path = self.take.folder / take_files.SPOOL / f"{header.shot:04d}.rgb"
            spool = ShotSpool(
                header.shot, path, header.width, header.height, header.index - header.index_in_shot
            )
            spool.file = path.open("wb", buffering=0)
            self.spools[header.shot] = spool
        elif spool.file is None:
            # A shot that is continued after it was taken for finished.
            spool.file = spool.path.open("ab", buffering=0)
        spool.file.write(payload.data)
        spool.indices.append(header.index)
        self.take.add_frame(header.shot, header.index, header.index_in_shot, header.beat_id)
        return spool

    def moved(self, folder: Path) -> None:
        """The take lies in another folder now; every file of it must have been closed before."""
        self.take.folder = folder
        for spool in self.spools.values():
            spool.path = folder / take_files.SPOOL / spool.path.name

    def close(self) -> None:
        """Closes all files; a frame that comes opens its own again."""
        for spool in self.spools.values():
            spool.close()
