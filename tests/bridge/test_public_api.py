# SPDX-License-Identifier: Apache-2.0
"""What importing the bridge gives, and what it must not pull in."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import shotstream_bridge

HEAVY = [
    "torch",
    "diffusers",
    "transformers",
    "av",
    "prometheus_client",
    "psutil",
    "shotstream_runtime",
    "shotstream_training",
]


def test_importing_every_module_stays_light() -> None:
    package = Path(shotstream_bridge.__file__).parent
    modules = [f"shotstream_bridge.{path.stem}" for path in package.glob("*.py") if path.stem != "__init__"]
    assert len(modules) > 20
    code = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_everything_exported_exists_and_nothing_twice() -> None:
    names = shotstream_bridge.__all__
    assert len(names) == len(set(names))
    assert all(hasattr(shotstream_bridge, name) for name in names)


def test_the_version_is_the_distributions() -> None:
    assert shotstream_bridge.__version__ == metadata.version("shotstream")
