# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes movies at the scene's rate, and takes pictures out of movies, in a child process, one at a time."""

import contextlib
import json
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import compat
from .finishing import SCRIPT, blender_program, last_error


@dataclass
class Order:
    """What a child is to make.

    Attributes:
        key: Names it; an order that waits under the same name is replaced.
        order: For ``child/finish_shot.py``.
        done: Called with what went wrong, or an empty text.
    """

    key: str
    order: dict
    done: Callable[[str], None]


class Conformer:
    """The child processes. :meth:`poll` is called by the timer."""

    def __init__(self) -> None:
        self._waiting: deque[Order] = deque()
        self._now: Order | None = None
        self._process: subprocess.Popen | None = None
        self._folder: tempfile.TemporaryDirectory | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being made, or waits for that."""
        return self._process is not None or bool(self._waiting)

    def ask(self, order: Order) -> None:
        """Asks for something to be made."""
        for waiting in [other for other in self._waiting if other.key == order.key]:
            self._waiting.remove(waiting)
        self._waiting.append(order)

    def poll(self) -> None:
        """Looks after the child that runs, and starts the next one. Never waits."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._ended(code)
        if self._waiting and self._process is None:
            self._start(self._waiting.popleft())

    def close(self) -> None:
        """Stops everything."""
        self._waiting.clear()
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = self._now = None
        self._clear()

    def _start(self, order: Order) -> None:
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="shotstream-", ignore_cleanup_errors=True)
            path = Path(self._folder.name) / "order.json"
            path.write_text(json.dumps(order.order), encoding="utf-8")
            with (path.parent / "log").open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - Blender itself and a script of this extension
                    [*blender_program(), str(SCRIPT), "--", str(path)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    creationflags=compat.CREATION_FLAGS,
                )
            self._now = order
        except OSError as error:
            self._clear()
            order.done(f"the strip's movie could not be made: {error}")

    def _ended(self, code: int) -> None:
        order, self._now, self._process = self._now, None, None
        trouble = ""
        movie = order.order.get("movie")
        if code != 0 or (movie and not Path(movie).exists()):
            why = last_error(Path(self._folder.name) / "log") or f"exit code {code}"
            trouble = f"the strip's movie could not be made ({why})"
        self._clear()
        order.done(trouble)

    def _clear(self) -> None:
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.cleanup()
            self._folder = None
