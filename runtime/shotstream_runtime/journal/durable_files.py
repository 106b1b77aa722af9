# SPDX-License-Identifier: Apache-2.0
"""Files that are on the disk, whole, once writing them has returned."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PART_SUFFIX = ".part"


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Writes a file; after a crash at any moment it is there as a whole or not at all.

    Raises:
        OSError: It cannot be written; nothing is left under its name that was not there before.
    """
    part = path.with_name(path.name + _PART_SUFFIX)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder_durably(folder: Path) -> None:
    """Makes a folder, and those above it that are missing.

    Raises:
        OSError: It cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk; Windows does that by itself and cannot be told to."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
