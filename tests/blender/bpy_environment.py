# SPDX-License-Identifier: Apache-2.0
"""Blender as a Python module, each version in an environment of its own outside of the repository.

Usage: python tests/blender/bpy_environment.py [4.2] [4.5] [5.0]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERSIONS: Final = {"4.2": "4.2.23", "4.5": "4.5.15", "5.0": "5.0.1"}
"""All of them need Python 3.11."""
BESIDES: Final = {"4.2": ("numpy==1.24.4",)}
"""Packages as that Blender brings them, where bpy takes any."""
FOLDER_VARIABLE: Final = "SHOTSTREAM_BPY_DIR"
REPOSITORY: Final = Path(__file__).resolve().parents[2]
BUILD: Final = REPOSITORY / "plugins" / "blender" / "build.py"
INSTALL: Final = """
import sys, bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
"""
"""Installs the extension as a user does: arguments of Python before the package."""
_READY: Final = "ready"


@dataclass(frozen=True)
class Blender:
    """A Blender with the extension installed, whose user files are the tests' own."""

    version: str
    python: Path
    resources: Path

    def environment(self, **more: str) -> dict[str, str]:
        """For its processes."""
        ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {**ours, "BLENDER_USER_RESOURCES": str(self.resources), **more}


def folder(version: str) -> Path:
    """Where the environment of a version is, whether it exists or not."""
    given = os.environ.get(FOLDER_VARIABLE)
    parent = Path(given) if given else Path.home() / ".cache" / "shotstream-bpy"
    return parent / f"bpy-{VERSIONS[version]}"


def python(version: str) -> Path | None:
    """Python with that Blender in it; None if it was not installed."""
    where = folder(version)
    path = where / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return path if (where / _READY).exists() and path.exists() else None


def install(version: str) -> Path:
    """Makes the environment if need be; returns its Python."""
    known = python(version)
    if known is not None:
        return known
    where = folder(version)
    base = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if base is None:
        raise SystemExit("bpy needs Python 3.11, which is not here")
    shutil.rmtree(where, ignore_errors=True)
    subprocess.run([base, "-m", "venv", str(where)], check=True)
    path = where / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    packages = [f"bpy=={VERSIONS[version]}", "pytest==9.2.0", "pytest-timeout==2.4.0"]
    packages += BESIDES.get(version, ())
    command = [str(path), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
    subprocess.run(command, check=True)
    (where / _READY).touch()
    return path


if __name__ == "__main__":
    for name in sys.argv[1:] or ["4.5"]:
        print(install(name))
