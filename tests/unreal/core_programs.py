# SPDX-License-Identifier: Apache-2.0
"""The programs of plugins/unreal/core, and a server process for them to talk to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

CORE = Path(__file__).parents[2] / "plugins" / "unreal" / "core"
PATIENCE_S = 60.0
"""How long a test waits for what must happen; reached only when it fails."""

Line = dict[str, Any]


@dataclass
class Player:
    """A `shotstream-core-cli` that runs: what it has printed, line by line."""

    process: subprocess.Popen[str]
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(text))
                self._news.notify_all()

    def wait_for(self, wanted: Callable[[Line], bool]) -> Line:
        """The first line that is wanted."""
        with self._news:
            there = self._news.wait_for(lambda: any(map(wanted, self.lines)), PATIENCE_S)
            assert there, self.lines[-20:]
            return next(filter(wanted, self.lines))

    def end(self, code: int = 0) -> list[Line]:
        """Waits for the end; returns all lines."""
        try:
            assert self.process.wait(PATIENCE_S) == code, self.lines[-20:]
        finally:
            self.process.kill()
            self._reader.join(PATIENCE_S)
        return self.lines

    def of(self, event: str) -> list[Line]:
        """The lines of one kind of event."""
        return [line for line in self.lines if line["event"] == event]

    def stages(self, beat: str) -> list[str]:
        """The stages that a beat was told to have reached."""
        return [line["stage"] for line in self.of("beat") if line["beat"] == beat]


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    folder: Path

    def start(self, address: str, *arguments: object) -> Player:
        """Starts `shotstream-core-cli`."""
        program = self.folder / "shotstream-core-cli"
        command = [str(program), "--address", address, *map(str, arguments)]
        return Player(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))

    def refused(self, *arguments: object) -> str:
        """What `shotstream-core-cli` says of options that it does not take."""
        command = [self.folder / "shotstream-core-cli", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        assert done.returncode == 2
        return done.stderr


def built(config: pytest.Config, sanitize: str = "", *options: str, kind: str = "") -> Programs:
    """Builds what has changed since the last time, into pytest's cache.

    Args:
        config: Knows the cache.
        sanitize: The sanitizers.
        options: Further ones for cmake.
        kind: What tells a build with such options from others.
    """
    assert config.cache is not None
    name = "-".join(["core", *filter(None, [*sanitize.split(","), kind])])
    folder = Path(config.cache.mkdir(f"shotstream-{name}"))
    given = [
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_CXX_FLAGS_RELEASE=-O1",
        f"-DSHOTSTREAM_SANITIZE={sanitize}",
        "-DSHOTSTREAM_WERROR=ON",
        "-DSHOTSTREAM_WITH_LIBZMQ=ON",
    ]
    for command in (
        ["cmake", "-S", CORE, "-B", folder, *given, *options],
        ["cmake", "--build", folder],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=840)
        if ("GTest" in done.stderr or "libzmq" in done.stderr) and not os.environ.get("CI"):
            pytest.skip("needs GoogleTest and libzmq (Debian: libgtest-dev nlohmann-json3-dev libzmq3-dev)")
        assert done.returncode == 0, done.stdout + done.stderr
    return Programs(folder)


class MiniServer:
    """`shotstream serve` with mini in a process of its own, on an address that stays the same; a context.

    Args:
        folder: For its output.
        options: Further options of ``shotstream serve``.
    """

    def __init__(self, folder: Path, *options: object) -> None:
        self._output = folder / "server.txt"
        self._options = [str(option) for option in options]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; clients see it load."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "shotstream_runtime.cli",
                    "serve",
                    "--bind",
                    self.address,
                    *self._options,
                ],
                stdout=output,
                stderr=output,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kills it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it as a supervisor does."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
