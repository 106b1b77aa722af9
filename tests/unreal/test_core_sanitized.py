# SPDX-License-Identifier: Apache-2.0
"""The core under sanitizers and fuzzers. README.md of plugins/unreal has the longer runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from core_programs import CORE, built

pytestmark = [pytest.mark.unreal, pytest.mark.slow, pytest.mark.timeout(900)]

FUZZERS = ("fuzz_msgpack", "fuzz_messages", "fuzz_zmtp", "fuzz_client")
needs_clang = pytest.mark.skipif(not shutil.which("clang++"), reason="needs clang")


def run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8_000:]


@pytest.mark.parametrize("sanitize", ["address,undefined", "thread"])
def test_unit_tests_under(pytestconfig: pytest.Config, sanitize: str) -> None:
    run(built(pytestconfig, sanitize).folder / "shotstream-core-tests")


@needs_clang
def test_fuzzers_find_nothing_new(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    options = ("-DCMAKE_CXX_COMPILER=clang++", "-DSHOTSTREAM_FUZZ=ON", "-DSHOTSTREAM_TESTS=OFF")
    folder = built(pytestconfig, "address,undefined", *options, kind="fuzz").folder
    for name in FUZZERS:
        corpus = CORE / "fuzz" / "corpus" / name
        assert len(os.listdir(corpus)) > 10
        (tmp_path / name).mkdir()
        run(
            folder / name,
            "-runs=20000",
            "-max_len=2000",
            f"-artifact_prefix={tmp_path}/",
            tmp_path / name,
            corpus,
        )
