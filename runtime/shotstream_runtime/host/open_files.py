# SPDX-License-Identifier: Apache-2.0
"""How many files and connections this process may have open."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

ENOUGH: Final = 16_384


def raise_open_files_limit() -> None:
    """Raises this process's limit of open files as far as the system lets it, up to `ENOUGH`.

    Each connection and each story takes some. The usual limit (1,024 on Linux, 256 on macOS) is there for
    programs that cannot handle more; this one waits with poll and epoll. Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS may refuse what it says it allows.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
