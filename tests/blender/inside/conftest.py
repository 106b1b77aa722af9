# SPDX-License-Identifier: Apache-2.0
"""Inside of Blender: the installed extension, a new file for each check, and a hand that turns its timer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest
from blender_side import EXTENSION, Hand, module


@pytest.fixture(scope="session", autouse=True)
def _enabled() -> Iterator[None]:
    """The extension, from its package, with nothing of the repository on the path."""
    assert bpy.ops.preferences.addon_enable(module=EXTENSION) == {"FINISHED"}
    import shotstream_bridge

    assert "site-packages" in shotstream_bridge.__file__
    yield
    bpy.ops.preferences.addon_disable(module=EXTENSION)


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """Where takes go; where the caller looks at them, if it said where."""
    given = os.environ.get("SHOTSTREAM_TAKES")
    return Path(given) / tmp_path.name if given else tmp_path / "takes"


@pytest.fixture
def hand(takes: Path) -> Iterator[Hand]:
    """A new file, connected to nothing."""
    bpy.ops.wm.read_homefile(use_empty=True)
    live = module("live")
    chosen = module("preferences").get()
    chosen.address = os.environ["SHOTSTREAM_SERVER"]
    chosen.server_command = os.environ["SHOTSTREAM_COMMAND"]
    chosen.folder = str(takes)
    chosen.client_key = chosen.server_key = ""
    chosen.shot_files = "pictures"
    live.errors.clear()
    live.times.clear()
    live.studio().frames_received = 0
    hand = Hand()
    yield hand
    now = live.studio()
    now.end()
    now.connection.drop()
    now.server.stop(wait=True)
    now.message = ""
    assert not live.errors, live.errors[0]
