# SPDX-License-Identifier: Apache-2.0
"""Errors of the host that a user can cause, and therefore reads."""

from __future__ import annotations

from pathlib import Path


class HostError(Exception):
    """Base of the host's errors: one sentence that names what is wrong and how to mend it."""


class StoryFileError(HostError):
    """A story file cannot be used.

    Attributes:
        path: The file.
        line: Line of the value, from 1; None where the format does not give it.
        field: Path of the value inside the file, such as ``beats[2].mode``; empty for the whole file.
        problem: What is wrong, and the fix.
    """

    def __init__(self, path: Path, problem: str, *, field: str = "", line: int | None = None) -> None:
        self.path = path
        self.line = line
        self.field = field
        self.problem = problem
        where = str(path) if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {field}: {problem}" if field else f"{where}: {problem}")


class TakeError(HostError):
    """A take cannot be written: unwritable folder, full disk, frames of changing size."""
