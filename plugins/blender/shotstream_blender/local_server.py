# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on this machine as a child of Blender: started by a button, stopped with Blender."""

import contextlib
import os
import shutil
import subprocess
import sys
from enum import Enum
from pathlib import Path

import bpy
from shotstream_bridge.address import is_loopback

from . import compat, preferences

SUPERVISOR = Path(__file__).parent / "child" / "supervise.py"
STOP_S = 5.0
_LOG_TAIL = 4096


class ServerPhase(Enum):
    """What the child is doing."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    DIED = "died"


class LocalServer:
    """The child process.

    Attributes:
        phase: What it is doing.
        message: What the user should know of it.
    """

    def __init__(self) -> None:
        self.phase = ServerPhase.OFF
        self.message = ""
        self._process: subprocess.Popen | None = None
        self._log: Path | None = None

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path | None:
        """What the child has printed."""
        return self._log

    def start(self) -> bool:
        """Starts it; says in :attr:`message` why not."""
        if self.alive:
            return True
        chosen = preferences.get()
        command = find_command()
        if command is None:
            self._fail(
                "The shotstream command was not found: install ShotStream as its README says, "
                "or name the command in the preferences"
            )
            return False
        address = chosen.address.strip()
        if not is_loopback(address):
            self._fail(f"A server on this machine needs a local address, as {preferences.DEFAULT_ADDRESS}")
            return False
        folder = preferences.user_folder("server")
        model = chosen.server_model.strip() or "mini"
        arguments = ["serve", "--address", address, "--model", bpy.path.abspath(model)]
        arguments += ["--journal", str(folder / "journal"), "--keep-days", "7"]
        self._log = folder / "server.log"
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                    [sys.executable, "-I", str(SUPERVISOR), str(STOP_S), command, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                    creationflags=compat.CREATION_FLAGS,
                )
        except OSError as error:
            self._fail(f"{command} could not be started: {error}")
            return False
        self.phase, self.message = ServerPhase.STARTING, ""
        return True

    def stop(self, *, wait: bool = False) -> None:
        """Stops it; it finishes its chunk.

        Args:
            wait: Whether to wait until it has gone, for a few seconds at most: when Blender ends.
        """
        process, self._process = self._process, None
        self.phase, self.message = ServerPhase.OFF, ""
        if process is None:
            return
        # The supervisor sees the end of its input, and stops the server, whatever becomes of Blender
        # meanwhile.
        with contextlib.suppress(OSError):
            process.stdin.close()
        if wait:
            try:
                process.wait(STOP_S + 1)
            except subprocess.TimeoutExpired:
                process.kill()
        else:
            _leaving.append(process)

    def poll(self, *, connected: bool) -> None:
        """Looks after it; never waits."""
        _leaving[:] = [process for process in _leaving if process.poll() is None]
        if self._process is None:
            return
        code = self._process.poll()
        if code is not None:
            self._process = None
            self._fail(f"The server on this machine ended: {_last_words(self._log) or f'exit code {code}'}")
        elif connected and self.phase is ServerPhase.STARTING:
            self.phase = ServerPhase.RUNNING

    def _fail(self, message: str) -> None:
        self.phase, self.message = ServerPhase.DIED, message


_leaving: list[subprocess.Popen] = []
"""Children that were told to stop: kept until they have, so that none is left as a zombie."""


def find_command() -> str | None:
    """The shotstream command: the one in the preferences, or the one on the PATH."""
    chosen = preferences.get().server_command.strip()
    if not chosen:
        return shutil.which("shotstream")
    path = bpy.path.abspath(chosen)
    return path if os.access(path, os.X_OK) and os.path.isfile(path) else None


def _environment() -> dict[str, str]:
    """Blender's, without what points the server's Python to Blender's packages."""
    drop = {"PYTHONHOME", "PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    return {**kept, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", "NO_COLOR": "1"}


def _last_words(log: Path | None) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except (OSError, AttributeError):
        return ""
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [""])[-1].removeprefix("error: ")
