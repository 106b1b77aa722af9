# SPDX-License-Identifier: Apache-2.0
"""The command in a process of its own and in that of the test, and a tiny model to run it with."""

from __future__ import annotations

import logging
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_process import COMMAND, PATIENCE_S, Outcome, Running, begin, environment


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_commands() -> None:
    """What a shell runs in the background ignores SIGINT, and so does all that is started from there."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``--model``."""
    from tiny_model_folder import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def shotstream() -> Callable[..., Outcome]:
    """Runs the command to its end."""

    def run(*arguments: str | Path, cwd: Path | None = None, columns: int = 200) -> Outcome:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            env={**environment(), "COLUMNS": str(columns)},
            cwd=cwd,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts the command; what still runs after the test is killed."""
    started: list[Running] = []

    def start_one(*arguments: str | Path) -> Running:
        started.append(begin(*arguments))
        return started[-1]

    yield start_one
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


@pytest.fixture
def in_process(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Outcome]]:
    """Runs the command inside the test's process, which has made the slow imports already."""
    from shotstream_runtime.cli.app import run as run_command

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    logged_to = logging.getLogger().handlers[:]

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            run_command([*map(str, arguments)])
        captured = capsys.readouterr()
        return Outcome(int(end.value.code or 0), captured.out, captured.err)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    logging.getLogger().handlers[:] = logged_to
