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
        message: What the user should know of it: what went wrong if it died.
    """

    def __init__(self) -> None:
        self.phase = ServerPhase.OFF
        self.message = ""
        self._address = ""
        # Its command while the one before has not left the port.
        self._due: list[str] | None = None
        self._process: subprocess.Popen | None = None
        self._log: Path | None = None
        self._port_taken = False

    @property
    def alive(self) -> bool:
        """Whether the child runs, or will as soon as it can."""
        return self._due is not None or (self._process is not None and self._process.poll() is None)

    def leaves(self, address: str) -> bool:
        """Whether a server that was told to stop may still listen at an address."""
        return any(where == address and process.poll() is None for where, process in _leaving)

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
        if address.rpartition(":")[2] in {"0", "*"}:
            self._fail(
                f"{address} leaves the port to chance, and nobody would find the server: name one, as "
                f"{preferences.DEFAULT_ADDRESS}"
            )
            return False
        folder = preferences.user_folder("server")
        model = chosen.server_model.strip() or "mini"
        arguments = ["serve", "--address", address, "--model", bpy.path.abspath(model)]
        arguments += ["--journal", str(folder / "journal"), "--keep-days", "7"]
        self._log, self._address, self._port_taken = folder / "server.log", address, False
        self._due = [command, *arguments]
        self.phase, self.message = ServerPhase.STARTING, ""
        return self.leaves(address) or self._launch()

    def stop(self, *, wait: bool = False) -> None:
        """Stops it; it finishes its chunk.

        Args:
            wait: Whether to wait until it has gone, for a few seconds at most: when Blender ends.
        """
        process, self._process, self._due = self._process, None, None
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
            _leaving.append((self._address, process))

    def poll(self, *, connected: bool) -> None:
        """Looks after it; never waits."""
        _leaving[:] = [(where, process) for where, process in _leaving if process.poll() is None]
        if self._due is not None and not self.leaves(self._address):
            self._launch()
        code = None if self._process is None else self._process.poll()
        if code is not None:
            self._process = None
            self._ended(_last_words(self._log) or f"exit code {code}")
        elif connected and self._process is not None and self.phase is ServerPhase.STARTING:
            self.phase = ServerPhase.RUNNING
        if connected and self._port_taken:
            self._port_taken = False
            self.phase = ServerPhase.OFF
            self.message = "Another server was there already: this one is connected to that"

    def _launch(self) -> bool:
        command, self._due = self._due, None
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                    [sys.executable, "-I", str(SUPERVISOR), str(STOP_S), *command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                    creationflags=compat.CREATION_FLAGS,
                )
        except OSError as error:
            self._fail(f"{command[0]} could not be started: {error.strerror or error}")
            return False
        return True

    def _ended(self, why: str) -> None:
        port = self._address.rpartition(":")[2]
        self._port_taken = f"port {port} is in use" in why
        if self._port_taken:
            self._fail(
                f"Port {port} is in use by another program: choose another address, or stop that program"
            )
        else:
            self._fail(f"The server on this machine ended: {why}")

    def _fail(self, message: str) -> None:
        self.phase, self.message = ServerPhase.DIED, message


_leaving: list[tuple[str, subprocess.Popen]] = []
"""Children that were told to stop, with their addresses: kept until they have, so that none is left as a
zombie, and that the next one finds the port free.
"""


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
