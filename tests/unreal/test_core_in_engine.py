# SPDX-License-Identifier: Apache-2.0
"""The core as the engine compiles it: C++20, hiding what is not exported, strict about macros."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from core_programs import CORE
from engine_layer import needs_clang

pytestmark = [pytest.mark.unreal, pytest.mark.slow, needs_clang]

MODULE = CORE.parent / "ShotStream" / "Source" / "ShotStreamCore"
COMPILER = [
    "clang++",
    "-std=c++20",
    "-fsyntax-only",
    "-fno-exceptions",
    "-fno-rtti",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wundef",
    "-Werror",
    "-DSHOTSTREAM_WITH_LIBZMQ=0",
    '-DSHOTSTREAMCORE_API=__attribute__((visibility("default")))',
    "-I",
    str(MODULE / "Public"),
    "-I",
    str(MODULE / "Private"),
]


def errors_of(source: Path) -> str:
    """What the compiler says of a file."""
    command = [*COMPILER, str(source)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stderr


def test_it_compiles_with_the_engines_flags() -> None:
    sources = sorted((MODULE / "Private").glob("*.cpp"))
    assert len(sources) > 25
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert "".join(pool.map(errors_of, sources)) == ""
