# SPDX-License-Identifier: GPL-3.0-or-later
"""Blenders without a window that make files for this one: one at a time, in the order asked for, never waited
for.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy

from . import compat

SCRIPT = Path(__file__).parent / "child" / "finish_shot.py"


@dataclass
class Order:
    """What a child is to make.

    Attributes:
        key: Names it; an order that waits under the same name is replaced.
        order: For ``child/finish_shot.py``.
        done: Called with what went wrong, or an empty text.
        path: Where the order is written, ``.json``, and what the child says, ``.log``, which stay if it
            fails. None: among the temporary files.
    """

    key: str
    order: dict
    done: Callable[[str], None]
    path: Path | None = None


class Children:
    """The child processes. :meth:`poll` is called by the timer.

    Args:
        what: They make, for messages.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._waiting: list[Order] = []
        self._now: Order | None = None
        self._process: subprocess.Popen | None = None
        self._path = Path()

    @property
    def busy(self) -> bool:
        """Whether something is being made, or waits for that."""
        return self._process is not None or bool(self._waiting)

    def ask(self, order: Order) -> None:
        """Asks for something to be made."""
        self._waiting = [other for other in self._waiting if other.key != order.key]
        self._waiting.append(order)

    def poll(self) -> None:
        """Looks after the child that runs, and starts the next one."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._ended(code)
        if self._waiting:
            self._start(self._waiting.pop(0))

    def take_waiting(self) -> list[Order]:
        """Takes back what waits."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def stop(self) -> None:
        """Ends everything, finished or not."""
        self._waiting.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._forget()

    def _start(self, order: Order) -> None:
        self._now = order
        self._path = order.path or Path(tempfile.gettempdir()) / f"shotstream-{uuid.uuid4().hex}.json"
        try:
            self._process = start(self._path, order.order)
        except OSError as error:
            self._forget()
            order.done(f"{self._what} could not be made: {error}")

    def _ended(self, code: int) -> None:
        order = self._now
        movie = order.order.get("movie")
        trouble = ""
        if code != 0 or (movie and not os.path.exists(movie)):
            why = last_error(self._path.with_suffix(".log")) or f"exit code {code}"
            trouble = f"{self._what} could not be made ({why})"
        self._forget(keep=bool(trouble and order.path))
        order.done(trouble)

    def _forget(self, *, keep: bool = False) -> None:
        self._now = self._process = None
        for suffix in () if keep else (".json", ".log"):
            with contextlib.suppress(OSError):
                self._path.with_suffix(suffix).unlink(missing_ok=True)


def start(path: Path, order: dict | list[dict]) -> subprocess.Popen:
    """Starts a child.

    Args:
        path: Where the order is written.
        order: For ``child/finish_shot.py``, one or several.

    Raises:
        OSError: The order cannot be written, or there is no program to carry it out.
    """
    path.write_text(json.dumps(order), encoding="utf-8")
    with path.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - Blender itself and a script of this extension
            [*blender_program(), str(SCRIPT), "--", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A studio's colours are for its scenes: what the children make is as it was generated.
            env={name: value for name, value in os.environ.items() if name != "OCIO"},
            creationflags=compat.CREATION_FLAGS,
        )


def blender_program() -> list[str]:
    """The start of a command that runs a script in Blender without a window; as a Python module it is run by
    Python.
    """
    if not bpy.app.binary_path:
        return [sys.executable]
    options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    return [bpy.app.binary_path, *options]


def last_error(log: Path) -> str:
    """What a child that failed says of it, on one line; empty if it says nothing."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    errors = [line.strip() for line in lines if "Error" in line]
    return (errors or lines or [""])[-1].strip()
