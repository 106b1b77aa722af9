# SPDX-License-Identifier: Apache-2.0
"""The `shotstream` command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = [sys.executable, "-m", "shotstream_runtime.cli"]
PATIENCE_S = 120


def environment() -> dict[str, str]:
    """The process's own, in plain width and with one thread."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def error_line(self) -> str:
        """The one line on standard error that says what was wrong."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: ")
        return lines[0].removeprefix("error: ")


@dataclass
class Running:
    """A command that is still running."""

    process: subprocess.Popen[str]
    out: list[str] = field(default_factory=list)

    def line_with(self, text: str) -> str:
        """Reads standard output up to a line that holds `text`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.out.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came; there was {self.out} and {self.process.stderr}")

    def end(self) -> Outcome:
        """Waits for the end."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return Outcome(self.process.returncode, "".join(self.out) + out, err)


def begin(*arguments: str | Path) -> Running:
    """Starts the command."""
    return Running(
        subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    )


def wait_for(path: Path) -> None:
    """Waits until a file has content."""
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
