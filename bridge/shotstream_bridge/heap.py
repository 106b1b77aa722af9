# SPDX-License-Identifier: Apache-2.0
"""Keeps the memory of freed frames with the process, so that the next frames need not be faulted in anew."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

KEPT_BYTES: Final = 64 * 1024 * 1024
"""Freed memory that each of the C library's arenas keeps: the frames of a window, the pictures of a chunk."""
_LARGEST_HEAP_BLOCK: Final = 32 * 1024 * 1024
"""Above it blocks are mapped on their own; the most that glibc takes, and where its own adaption ends."""
# Numbers of malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_DECIDED_BY: Final = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")


def keep_freed_memory() -> bool:
    """Tells the C library to keep up to `KEPT_BYTES` of freed memory instead of giving it back at once.

    With its defaults glibc returns freed blocks of a frame's size to the system and takes new pages for the
    next ones; each page costs a fault and is cleared first, which for raw video is a third of a receiver's
    work. It changes when freed memory is returned, not how much is in use at most.

    The setting is the process's, and its owner's to make: nothing in this package calls this. The
    ``shotstream`` commands that handle frames do; a program of your own that takes raw frames may, once; a
    plugin leaves it to its host. Where the environment sets these limits (``MALLOC_TRIM_THRESHOLD_``,
    ``MALLOC_MMAP_THRESHOLD_``, ``GLIBC_TUNABLES``), or the C library is another, nothing is done.

    Returns:
        Whether the setting was made.
    """
    if sys.platform != "linux":
        return False
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if any(name in os.environ for name in _DECIDED_BY) or "glibc.malloc" in tunables:
        return False
    library = ctypes.CDLL(None)
    if not (hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt")):
        return False
    made = [
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_HEAP_BLOCK),
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES),
    ]
    return all(made)
