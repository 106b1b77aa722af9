# SPDX-License-Identifier: Apache-2.0
"""The extension, built and installed into Blender as a user does, and one server for all tests."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bpy_environment import BUILD, INSTALL, REPOSITORY, VERSIONS, Blender, python

# What runs inside of Blender is started by test_in_blender.py.
collect_ignore = ["inside"]
_PATIENCE_S = 60


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shotstream command of this checkout, as one executable file."""
    path = tmp_path_factory.mktemp("command") / "shotstream"
    places = ":".join(str(REPOSITORY / name) for name in ("bridge", "runtime", "training"))
    words = [
        "env",
        f"PYTHONPATH={places}",
        "OMP_NUM_THREADS=1",
        sys.executable,
        "-m",
        "shotstream_runtime.cli",
    ]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip for this platform."""
    out = tmp_path_factory.mktemp("extension")
    subprocess.run([sys.executable, str(BUILD), "--platform", "linux-x64", "--out", str(out)], check=True)
    return next(out.glob("*.zip"))


@pytest.fixture(scope="session")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Blender]:
    """Gives a Blender of a version with the extension in it."""
    known: dict[str, Blender] = {}

    def get(version: str) -> Blender:
        if version in known:
            return known[version]
        path = python(version)
        if path is None:
            pytest.skip(
                f"Blender {version} is not here as a Python module; install it with: "
                f"python tests/blender/bpy_environment.py {version}"
            )
        blender = Blender(version, path, tmp_path_factory.mktemp(f"blender-{version}"))
        done = subprocess.run(
            [path, "-c", INSTALL, package],
            env=blender.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Installed" in done.stdout
        known[version] = blender
        return blender

    return get


@pytest.fixture(scope="session")
def server(command: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with mini."""
    log_path = tmp_path_factory.mktemp("server") / "server.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [command, "serve", "--address", "tcp://127.0.0.1:0"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while "Serving" not in (text := log_path.read_text(encoding="utf-8")):
            assert process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.1)
        yield text.split("Listening at ")[1].split(";")[0]
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session", params=list(VERSIONS))
def blender(request: pytest.FixtureRequest, installed: Callable[[str], Blender]) -> Blender:
    """Every version that is tested, with the extension installed."""
    return installed(request.param)
