# SPDX-License-Identifier: Apache-2.0
"""The right to write to a journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from .durable_files import make_folder_durably
from .errors import JournalError, cannot_write

LOCK_NAME: Final = "journal.lock"


class JournalLock:
    """The right to write to a journal; ends with the process, however that ends.

    It is a transaction on a small SQLite file: every system lets go of it when a process is killed.

    Raises:
        JournalError: Another process has it, or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        try:
            make_folder_durably(folder)
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise cannot_write(folder, "the journal", error) from error
        try:
            self._database.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._database.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise JournalError(
                    folder, "another server writes to this journal; stop it, or name another --journal"
                ) from error
            raise cannot_write(path, "the journal's lock", error) from error

    def release(self) -> None:
        """Gives the right back."""
        self._database.close()
