# SPDX-License-Identifier: Apache-2.0
"""A server on one address and one journal that is killed and started again, each time within a second."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from command_process import environment

PATIENCE_S = 60.0


class KillableServer:
    """Entered as a context, it can be started and killed as often as a test likes; POSIX only.

    Args:
        model: The model's folder.
        folder: For the journal and the servers' output.
        options: Further options of ``shotstream serve``.

    Attributes:
        address: The same for all servers.
        journal: The same, too.
    """

    def __init__(self, model: Path, folder: Path, *options: str) -> None:
        self.journal = folder / "journal"
        self.output = folder / "output.txt"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self._arguments = [
            *(str(self.output), "serve", "--model", str(model), "--bind", self.address),
            *("--journal", str(self.journal), *options),
        ]
        self._pid: int | None = None

    def __enter__(self) -> Self:
        self._parent = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking_parent.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._parent.stdout is not None
        assert self._parent.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._parent.communicate(timeout=PATIENCE_S)

    def start(self) -> None:
        """Starts a server; it may take a while until it is ready."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        assert self._pid is None
        self._parent.stdin.write(json.dumps(self._arguments) + "\n")
        self._parent.stdin.flush()
        self._pid = int(self._parent.stdout.readline())

    def kill(self) -> None:
        """Kills the server with SIGKILL, and waits until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server as a supervisor does."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kills the server and starts the next one."""
        self.kill()
        self.start()

    def replace(self) -> None:
        """Stops the server in order and starts the next one."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        pid, self._pid = self._pid, None
        if pid is None:
            return
        os.kill(pid, how)
        deadline = time.monotonic() + PATIENCE_S
        while _lives(pid):
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.001)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
