# SPDX-License-Identifier: Apache-2.0
"""What broke a story's generation, in the protocol's terms."""

from __future__ import annotations

from typing import Final

from shotstream_bridge.errors import ErrorCode

from shotstream_runtime.journal.errors import JournalError

from .memory_shortage import is_out_of_memory

_LONGEST_REASON: Final = 1000


def why_failed(error: Exception) -> tuple[ErrorCode, str]:
    """The code and the reason that clients are given."""
    if is_out_of_memory(error):
        return (
            ErrorCode.OUT_OF_MEMORY,
            "there is not enough memory for this story now; try again when others have closed",
        )
    if isinstance(error, JournalError):
        return ErrorCode.INTERNAL, str(error)[:_LONGEST_REASON]
    return ErrorCode.INTERNAL, f"generation failed: {type(error).__name__}: {error}"[:_LONGEST_REASON]
