# SPDX-License-Identifier: Apache-2.0
"""Memory that two processes of one user share, under a name that only the server chooses.

POSIX: a file of mode 0600 in a folder of mode 0700, in memory where the system has a file system for that.
It is locked while it has its name, so that one whose writer died is told from one in use, and loses the name
as soon as the reader has it: then the memory is freed with the last process that uses it, however that ends.
Windows: a named mapping, which the system frees with its last user.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import secrets
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final

from shotstream_bridge.errors import SharedMemoryError

_NAME: Final = re.compile(r"ring-\d{1,10}-[0-9a-f]{32}")
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def new_name() -> str:
    """A name that nobody can guess."""
    return f"ring-{os.getpid()}-{secrets.token_hex(16)}"


def check_name(name: str) -> str:
    """Checks that a name is one of :func:`new_name`'s, which leads nowhere else.

    Raises:
        SharedMemoryError: It is not.
    """
    if not _NAME.fullmatch(name):
        raise SharedMemoryError(f"{name!r} is no name of shared memory")
    return name


if sys.platform == "win32":

    class NamedMemory:
        """Shared memory while its name is needed.

        Args:
            size: Bytes.
        """

        def __init__(self, size: int) -> None:
            self.name = new_name()
            try:
                self.map = mmap.mmap(-1, size, tagname=self.name)
            except OSError as error:
                raise SharedMemoryError(f"no {size} bytes of shared memory: {error}") from error

        def unlink(self) -> None:
            """Nothing to do: the system drops the name with the memory."""

    def open_named(name: str, size: int) -> mmap.mmap:
        """Opens the server's memory for reading. Without any of this name it is empty, and lacks its token.

        Raises:
            SharedMemoryError: It cannot be opened.
        """
        try:
            return mmap.mmap(-1, size, tagname=check_name(name), access=mmap.ACCESS_READ)
        except OSError as error:
            raise SharedMemoryError(f"cannot open shared memory {name}: {error}") from error

    def sweep() -> int:
        """Nothing to do: see above."""
        return 0

else:
    import fcntl

    def folder() -> Path:
        """Where this user's shared memory has its names."""
        in_memory = Path("/dev/shm")  # noqa: S108 - the folder in it is checked
        base = in_memory if in_memory.is_dir() else Path(tempfile.gettempdir())
        return base / f"shotstream-{os.getuid()}"

    class NamedMemory:
        """Shared memory while its name is needed.

        Args:
            size: Bytes; all of them are there, so that writing never fails.

        Raises:
            SharedMemoryError: There is not enough, or the folder is not this user's alone.

        Attributes:
            name: What the reader is told.
            map: The memory.
        """

        def __init__(self, size: int) -> None:
            where = folder()
            try:
                where.mkdir(mode=0o700, exist_ok=True)
                _check_folder(where)
                self.name = new_name()
                self._path: Path | None = where / self.name
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                self._number = os.open(self._path, flags, 0o600)
            except OSError as error:
                raise SharedMemoryError(f"no shared memory in {where}: {error.strerror}") from error
            try:
                fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _reserve(self._number, size)
                self.map = mmap.mmap(self._number, size)
            except OSError as error:
                self.unlink()
                raise SharedMemoryError(
                    f"no {size} bytes of shared memory in {where}: {error.strerror}"
                ) from error

        def unlink(self) -> None:
            """Takes the name away: the memory stays with those who have it. May be called twice."""
            path, self._path = self._path, None
            if path is not None:
                path.unlink(missing_ok=True)
                # Closing gives the lock back, which nobody asks for any more.
                os.close(self._number)

    def open_named(name: str, size: int) -> mmap.mmap:
        """Opens the server's memory for reading.

        Only what is this user's alone is opened, and no link is followed.

        Raises:
            SharedMemoryError: There is none of this name and size, or it is somebody else's.
        """
        path = folder() / check_name(name)
        try:
            _check_folder(path.parent)
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise SharedMemoryError(f"cannot open shared memory {name}: {error.strerror}") from error
        try:
            seen = os.fstat(number)
            own = stat.S_ISREG(seen.st_mode) and seen.st_uid == os.getuid()
            if not own or seen.st_mode & _FOR_OTHERS or seen.st_size != size:
                raise SharedMemoryError(f"shared memory {name} is not what the server announced")
            return mmap.mmap(number, size, access=mmap.ACCESS_READ)
        except OSError as error:
            raise SharedMemoryError(f"cannot open shared memory {name}: {error.strerror}") from error
        finally:
            os.close(number)

    def sweep() -> int:
        """Frees what writers that died have left under its name; returns how many there were."""
        swept = 0
        try:
            _check_folder(folder())
            names = [path for path in folder().iterdir() if _NAME.fullmatch(path.name)]
        except (OSError, SharedMemoryError):
            return 0
        for path in names:
            with contextlib.suppress(OSError):
                number = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    # Fails while its writer lives.
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    swept += 1
                finally:
                    os.close(number)
        return swept

    def _check_folder(path: Path) -> None:
        seen = path.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & _FOR_OTHERS:
            raise SharedMemoryError(f"{path} is not a folder of this user's alone; remove it")

    def _reserve(number: int, size: int) -> None:
        os.ftruncate(number, size)
        if hasattr(os, "posix_fallocate"):
            # Without this, memory that is not there would end the process at the first write.
            os.posix_fallocate(number, 0, size)
