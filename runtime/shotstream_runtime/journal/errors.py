# SPDX-License-Identifier: Apache-2.0
"""Errors of the journal that a user can cause or mend, and therefore reads."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

_SPACE_ERRORS = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_ACCESS_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class JournalError(Exception):
    """Something cannot be written to or read from a journal: names the path, what is wrong, and the fix.

    Attributes:
        path: The file or folder.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def cannot_write(path: Path, what: str, error: OSError | sqlite3.Error) -> JournalError:
    """The error for something that could not be written.

    Args:
        path: Where.
        what: What it was, such as ``beat 'b1'``.
        error: What the system said.
    """
    problem = f"{what} cannot be written: {_reason(error)}; {_fix(error)}; what was written before is kept"
    return JournalError(path, problem)


def _reason(error: OSError | sqlite3.Error) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _fix(error: OSError | sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    number = error.errno if isinstance(error, OSError) else None
    if number in _SPACE_ERRORS or code == sqlite3.SQLITE_FULL:
        return "make room on this disk, or delete old stories with shotstream stories delete"
    if number in _ACCESS_ERRORS or code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return "give this user the right to write there, or name another folder with --journal"
    return "check this disk, or name another folder with --journal"
