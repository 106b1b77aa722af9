# SPDX-License-Identifier: Apache-2.0
"""ShotStreamCore built outside the engine, once, into pytest's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from core_programs import CORE, Programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a compiler the tests are skipped; the gate has one, and fails without."""
    if (shutil.which("c++") and shutil.which("cmake")) or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("unreal"):
            item.add_marker(pytest.mark.skip(reason="needs a C++ compiler and cmake"))


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Programs:
    """Builds what has changed since the last time."""
    assert request.config.cache is not None
    folder = Path(request.config.cache.mkdir("shotstream-core"))
    for command in (
        ["cmake", "-S", CORE, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"],
        ["cmake", "--build", folder],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
        if "GTest" in done.stderr and not os.environ.get("CI"):
            pytest.skip("needs GoogleTest (Debian: libgtest-dev nlohmann-json3-dev)")
        assert done.returncode == 0, done.stdout + done.stderr
    return Programs(folder)
