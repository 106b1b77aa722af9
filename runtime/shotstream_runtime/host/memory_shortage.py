# SPDX-License-Identifier: Apache-2.0
"""Running out of memory: how it shows, and how to get some back."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import sys
import traceback
from typing import Final

import torch

OUT_OF_MEMORY: Final = "there was not enough memory for the next chunk; send it again, under another id"

# What torch raises as a plain RuntimeError: its CPU allocator on Linux and on Windows, the C++ library, and
# CUDA's libraries, which allocate for themselves.
_SIGNS: Final = (
    "can't allocate memory",
    "not enough memory",
    "std::bad_alloc",
    "out of memory",
    "ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on the device or off it."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def give_memory_back(error: BaseException | None = None) -> None:
    """Returns to the system what nobody holds any more.

    Args:
        error: What was raised, if anything: the calls it went through still hold what they computed.
    """
    seen = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has no such call, and needs none
            ctypes.CDLL(None).malloc_trim(0)
