# SPDX-License-Identifier: Apache-2.0
"""ShotStreamCore built outside the engine, once, into pytest's cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_programs import CORE, MiniServer, Programs, built
from narrative_players import Games

SANITIZE_VARIABLE = "SHOTSTREAM_CORE_SANITIZE"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a compiler the tests are skipped; the gate has one, and fails without."""
    if (shutil.which("c++") and shutil.which("cmake")) or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("unreal"):
            item.add_marker(pytest.mark.skip(reason="needs a C++ compiler and cmake"))


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Programs:
    """The programs, with the sanitizers that SHOTSTREAM_CORE_SANITIZE names, if any: `thread` for example."""
    os.environ.setdefault("TSAN_OPTIONS", f"suppressions={CORE / 'tests' / 'tsan_suppressions.txt'}")
    return built(request.config, os.environ.get(SANITIZE_VARIABLE, ""))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniServer]:
    """A server with mini, for the tests of a module."""
    with MiniServer(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def games(programs: Programs, server: MiniServer, tmp_path: Path) -> Games:
    """Games with that server."""
    return Games(programs, server.address, tmp_path)
