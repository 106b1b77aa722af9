# SPDX-License-Identifier: GPL-3.0-or-later
"""Every frame to disk as it arrives, in a time that the user interface does not notice.

Compressing takes ten times longer than a frame may: raw pixels are appended to a file for each shot, and a
child process makes PNG files and a movie of them once the shot is there (see :mod:`.finishing`).
"""

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
        closed: Whether no further frame can come.
    """

    shot: int
    path: Path
    width: int
    height: int
    first_frame: int
    indices: list[int] = field(default_factory=list)
    closed: bool = False
    file: BinaryIO | None = None

    def close(self) -> None:
        """No further frame comes."""
        self.closed = True
        if self.file is not None:
            self.file.close()
            self.file = None


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
            spool.closed = False
        spool.file.write(payload.data)
        spool.indices.append(header.index)
        self.take.add_frame(header.shot, header.index, header.index_in_shot, header.beat_id)
        return spool

    def close(self) -> None:
        """No further frame comes."""
        for spool in self.spools.values():
            spool.close()
