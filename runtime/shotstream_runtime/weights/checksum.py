# SPDX-License-Identifier: Apache-2.0
"""Checksums of large files, in the two forms the hub states."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

_BLOCK_BYTES = 4 << 20

OnBytes = Callable[[int], None]
"""Told of every block of bytes that has been dealt with."""


def sha256_of(path: Path, on_bytes: OnBytes | None = None) -> str:
    """SHA-256 of a file, as the hub states it for large files.

    Raises:
        OSError: The file cannot be read.
    """
    return _digest(hashlib.sha256(), path, on_bytes)


def git_blob_id_of(path: Path) -> str:
    """The id git gives a file's content, which the hub states for small files.

    Raises:
        OSError: The file cannot be read.
    """
    # An identifier fixed by git, not a protection.
    header = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    return _digest(header, path, None)


def _digest(digest: hashlib._Hash, path: Path, on_bytes: OnBytes | None) -> str:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            if on_bytes is not None:
                on_bytes(len(block))
    return digest.hexdigest()
