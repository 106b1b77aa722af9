# SPDX-License-Identifier: Apache-2.0
"""The decoded frames of the shot that is running, exact, in memory that does not grow with the shot."""

from __future__ import annotations

import os
import struct
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

_TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")
# Meant for large files; /tmp is memory on many systems.
_LARGE_TEMPORARY_FOLDER = Path("/var/tmp")  # noqa: S108 - the files in it have no name that others could guess
_PROMPT_PLACE = struct.Struct("<QQ")


class ShotStorageError(Exception):
    """A long shot's frames cannot be kept: the disk is full, or the folder for temporary files is shut."""


@dataclass(frozen=True, slots=True)
class HistoryFrame:
    """A decoded frame that may become a condition frame.

    Attributes:
        pixels: ``[3, height, width]`` float32 in [-1, 1], clipped, on the CPU. 8-bit pictures would not do:
            they move the context latents by 4e-2.
        prompt: The prompt that governed the frame; as a condition frame it attends to this one.
    """

    pixels: Tensor
    prompt: str


class ShotFrames:
    """All frames of the running shot.

    Which of them a later selection picks depends on the shot's final length, which nobody knows while it may
    still be continued: nearly all of the last four fifths stay candidates, however long it gets. So the first
    frames, as many as a shot usually has, are held in memory, and all further ones in an unnamed temporary
    file that the system removes when it is closed, or with the process. A frame of 832x480 takes 4.8 MB.

    Args:
        frames_in_memory: How many frames are held in memory.
    """

    def __init__(self, frames_in_memory: int) -> None:
        self._frames_in_memory = frames_in_memory
        self._held: list[HistoryFrame] = []
        self._spilled: _FrameFile | None = None

    def append(self, pixels: Tensor, prompt: str) -> None:
        """Adds decoded frames ``[n, 3, height, width]``, all of one size.

        Raises:
            ShotStorageError: They cannot be written to the temporary file.
        """
        frames = pixels.float().cpu()
        room = self._frames_in_memory - len(self._held)
        # Copies: views would keep the whole batch, of which only one frame may be wanted later. All of them
        # before the first is taken in, so that nothing has changed where memory runs out.
        self._held += [HistoryFrame(frame.clone(), prompt) for frame in frames[:room]]
        for frame in frames[room:]:
            try:
                if self._spilled is None:
                    self._spilled = _FrameFile(tuple(frame.shape))
                self._spilled.append(frame, prompt)
            except OSError as error:
                raise ShotStorageError(
                    f"frame {len(self)} of the running shot cannot be kept in {_temporary_folder()}: "
                    f"{error.strerror or error}; make room there, name another folder with TMPDIR, or begin "
                    "a new shot earlier"
                ) from error

    def close(self) -> None:
        """Gives the memory and the file back; the frames are gone."""
        self._held.clear()
        if self._spilled is not None:
            self._spilled.close()
            self._spilled = None

    @property
    def in_memory(self) -> int:
        """How many of them are held in memory."""
        return len(self._held)

    def __len__(self) -> int:
        return len(self._held) + (0 if self._spilled is None else len(self._spilled))

    def __getitem__(self, index: int) -> HistoryFrame:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a shot that has {len(self)}")
        if index < len(self._held) or self._spilled is None:
            return self._held[index]
        return self._spilled.read(index - len(self._held))


class _FrameFile:
    """Frames of one size in an unnamed file, and their prompts, each written once, in another.

    A frame's record is its pixels, then the place of its prompt. Nothing is held in memory but counts: a shot
    may also be continued by any number of beats.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._pixel_bytes = torch.Size(shape).numel() * torch.float32.itemsize
        folder = _temporary_folder()
        self._frames: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close
        self._prompts: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        # A story that is dropped without being closed gives its files back as well, and quietly.
        self._close = weakref.finalize(self, _close_all, self._frames, self._prompts)
        self._count = 0
        self._prompt: str | None = None
        self._prompt_place = (0, 0)

    def __len__(self) -> int:
        return self._count

    def append(self, frame: Tensor, prompt: str) -> None:
        if prompt != self._prompt:
            encoded = prompt.encode()
            place = self._prompts.seek(0, os.SEEK_END)
            self._prompts.write(encoded)
            self._prompt, self._prompt_place = prompt, (place, len(encoded))
        self._frames.seek(self._count * self._record_bytes)
        self._frames.write(frame.contiguous().numpy().data)
        self._frames.write(_PROMPT_PLACE.pack(*self._prompt_place))
        # A full disk is to be told now, not at a later frame.
        self._frames.flush()
        self._count += 1

    def read(self, index: int) -> HistoryFrame:
        self._frames.seek(index * self._record_bytes)
        record = bytearray(self._frames.read(self._record_bytes))
        pixels = torch.frombuffer(record, dtype=torch.float32, count=torch.Size(self._shape).numel())
        place, length = _PROMPT_PLACE.unpack_from(record, self._pixel_bytes)
        self._prompts.seek(place)
        return HistoryFrame(pixels.reshape(self._shape), self._prompts.read(length).decode())

    def close(self) -> None:
        self._close()

    @property
    def _record_bytes(self) -> int:
        return self._pixel_bytes + _PROMPT_PLACE.size


def _close_all(*files: IO[bytes]) -> None:
    for file in files:
        file.close()


def _temporary_folder() -> str:
    """Where large temporary files go: where the environment says, or else a folder that is on a disk."""
    chosen = any(os.environ.get(name) for name in _TEMPORARY_VARIABLES)
    if not chosen and _LARGE_TEMPORARY_FOLDER.is_dir() and os.access(_LARGE_TEMPORARY_FOLDER, os.W_OK):
        return str(_LARGE_TEMPORARY_FOLDER)
    return tempfile.gettempdir()
