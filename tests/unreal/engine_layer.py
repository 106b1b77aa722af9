# SPDX-License-Identifier: Apache-2.0
"""The Unreal plugin's engine layer for the tests of its checks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugins" / "unreal" / "ShotStream"
NODES = ROOT / "docs" / "unreal_nodes.md"

needs_clang = pytest.mark.skipif(
    not shutil.which("clang++") and not os.environ.get("CI"), reason="needs clang"
)
