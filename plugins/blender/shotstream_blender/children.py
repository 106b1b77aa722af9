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


MOST_AT_ONCE = 50
"""Orders for one child: a command line is not endless."""


@dataclass
class Order:
    """What a child is to make.

    Attributes:
        key: Names it; an order that waits under the same name is replaced.
        order: For ``child/finish_shot.py``.
        done: Called with what went wrong, or an empty text.
        path: Where the order is written, ``.json``: it stays there until it is carried out, whatever becomes
            of this Blender. None: among the temporary files.
    """

    key: str
    order: dict
    done: Callable[[str], None]
    path: Path | None = None


class Children:
    """The child processes, one at a time, each with all that waits when it begins. :meth:`poll` is called by
    the timer.

    Args:
        what: They make, for messages.
        keep_failed: Whether an order that failed stays on disk, with what the child said, to be tried again.
    """

    def __init__(self, what: str, *, keep_failed: bool = False) -> None:
        self._what = what
        self._keep_failed = keep_failed
        self._waiting: list[Order] = []
        self._now: list[Order] = []
        self._process: subprocess.Popen | None = None
        self._log = Path()

    @property
    def left(self) -> int:
        """How many orders are not carried out yet."""
        return len(self._now) + len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether something is being made, or waits for that."""
        return self._process is not None or bool(self._waiting)

    def ask(self, order: Order) -> None:
        """Asks for something to be made."""
        for other in [other for other in self._waiting if other.key == order.key]:
            self._waiting.remove(other)
            _forget(other.path)
        order.path = order.path or Path(tempfile.gettempdir()) / f"shotstream-{uuid.uuid4().hex}.json"
        try:
            write(order.path, order.order)
        except OSError as error:
            order.done(f"{self._what} could not be made: {error}")
            return
        self._waiting.append(order)

    def poll(self) -> bool:
        """Notes one thing that the child has done, or starts the next child; returns whether there was
        anything to do.
        """
        if self._process is not None:
            code = self._process.poll()
            # The child takes an order away when it has carried it out.
            if self._now and not self._now[0].path.exists():
                self._now.pop(0).done("")
                return True
            if code is None:
                return False
            self._ended(code)
            return True
        if self._waiting:
            self._start()
            return True
        return False

    def take_waiting(self) -> list[Order]:
        """Takes back what waits."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def let_go(self) -> None:
        """Ends the child, so that it holds no file; what it was to make waits for the next one. Pictures and
        movies are there whole or not at all.
        """
        if self._process is None:
            return
        self._kill()
        made = [order for order in self._now if not order.path.exists()]
        self._waiting[:0] = [order for order in self._now if order not in made]
        self._now.clear()
        for order in made:
            order.done("")

    def moved(self, new_place: Callable[[str], str]) -> None:
        """Files lie elsewhere now; to be called between :meth:`let_go` and the next :meth:`poll`.

        Args:
            new_place: Gives the new path of an old one, or the same.
        """
        for order in self._waiting:
            order.path = Path(new_place(str(order.path)))
            for name, value in order.order.items():
                if isinstance(value, str):
                    order.order[name] = new_place(value)
            with contextlib.suppress(OSError):  # the child says that it is not there
                write(order.path, order.order)

    def stop(self) -> None:
        """Ends everything, finished or not."""
        if self._process is not None:
            self._kill()
        for order in (*self._now, *self.take_waiting()):
            _forget(order.path)
        self._now.clear()

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._process = None
        _forget(self._log)

    def _start(self) -> None:
        self._now, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        self._log = self._now[0].path.with_suffix(".log")
        try:
            self._process = start([order.path for order in self._now], self._log)
        except OSError as error:
            failed = self._now.pop(0)
            self._waiting[:0], self._now = self._now, []
            _forget(failed.path)
            failed.done(f"{self._what} could not be made: {error}")

    def _ended(self, code: int) -> None:
        self._process = None
        if not self._now:
            _forget(self._log)
            return
        # The others are not to suffer for the one that failed.
        failed = self._now.pop(0)
        self._waiting[:0], self._now = self._now, []
        why = last_error(self._log) or f"exit code {code}"
        if not self._keep_failed:
            _forget(failed.path)
            _forget(self._log)
        failed.done(f"{self._what} could not be made ({why})")


def write(path: Path, order: dict) -> None:
    """Writes an order whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    part = path.with_suffix(".part")
    part.write_text(json.dumps(order), encoding="utf-8")
    os.replace(part, path)


def start(orders: list[Path], log: Path) -> subprocess.Popen:
    """Starts a child.

    Args:
        orders: Files with what it is to make.
        log: For what it says.

    Raises:
        OSError: There is no program to carry it out, or no room for the log.
    """
    with log.open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - Blender itself and a script of this extension
            [*blender_program(), str(SCRIPT), "--", *map(str, orders)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            # A studio's colours are for its scenes: what the children make is as it was generated.
            env={name: value for name, value in os.environ.items() if name != "OCIO"},
            creationflags=compat.CREATION_FLAGS | compat.LOW_PRIORITY,
        )


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


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
