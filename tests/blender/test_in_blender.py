# SPDX-License-Identifier: Apache-2.0
"""Runs the checks of ``inside`` in Blender's own Python, each file in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import opentimelineio as otio
import pytest
from bpy_environment import Blender
from shotstream_runtime.host.manifest import read_manifest

pytestmark = pytest.mark.blender

INSIDE = Path(__file__).parent / "inside"
CHECKS = sorted(path.stem for path in INSIDE.glob("check_*.py"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", CHECKS)
def test_inside(blender: Blender, check: str, server: str, command: Path, tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    environment = blender.environment(
        SHOTSTREAM_SERVER=server, SHOTSTREAM_COMMAND=str(command), SHOTSTREAM_TAKES=str(takes)
    )
    only = [word for word in os.environ.get("SHOTSTREAM_CHECKS", "").split() if word]
    options = ["-k", " or ".join(only)] if only else []
    options += ["-p", "no:cacheprovider", "--basetemp", tmp_path / "inside"]
    options += ["-q", "-rfEs", "--timeout=120", "-c", "/dev/null", "--rootdir", INSIDE]
    done = subprocess.run(
        [blender.python, "-m", "pytest", *options, INSIDE / f"{check}.py"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=580,
        check=False,
    )
    output = done.stdout + done.stderr
    print(output)
    assert done.returncode == 0 or (only and done.returncode == 5), output
    assert only or re.search(r"\d+ passed", output), output
    # What Blender writes, the product reads.
    for path in takes.rglob("manifest.json"):
        manifest = read_manifest(path)
        assert manifest.pictures == "frames"
        names = {file.name for file in (path.parent / "frames").glob("*.png")}
        assert names <= {f"{n:06d}.png" for shot in manifest.shots for n in range(shot.first_frame, 10**6)}
    for path in takes.rglob("*.otio"):
        assert otio.adapters.read_from_file(str(path)).duration().value > 0
