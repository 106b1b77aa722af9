# SPDX-License-Identifier: Apache-2.0
"""The core compiles for Windows, with the engine's flags."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from core_programs import CORE

pytestmark = [
    pytest.mark.unreal,
    pytest.mark.skipif(
        not shutil.which("x86_64-w64-mingw32-g++") and not os.environ.get("CI"), reason="needs mingw-w64"
    ),
]

MODULE = CORE.parent / "ShotStream" / "Source" / "ShotStreamCore"
COMPILER = [
    "x86_64-w64-mingw32-g++",
    "-std=c++17",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
]
COMPILER += ["-I", str(MODULE / "Public"), "-I", str(MODULE / "Private")]


def compile_with(arguments: list[str]) -> None:
    done = subprocess.run([*COMPILER, *arguments], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr


def test_what_is_different_there_compiles() -> None:
    sources = [path for path in MODULE.rglob("*.cpp") if "_WIN32" in path.read_text(encoding="utf-8")]
    assert {"keys.cpp", "tcp_socket.cpp"} <= {path.name for path in sources}
    compile_with(["-fno-exceptions", "-fno-rtti", "-fsyntax-only", *map(str, sources)])


@pytest.mark.slow
def test_the_program_links(tmp_path: Path) -> None:
    sources = [str(path) for folder in (MODULE / "Private", CORE / "cli") for path in folder.glob("*.cpp")]
    program = tmp_path / "shotstream-core-cli.exe"
    compile_with(["-fno-exceptions", "-fno-rtti", *sources, "-o", str(program), "-lws2_32", "-static"])
    assert program.stat().st_size > 0
