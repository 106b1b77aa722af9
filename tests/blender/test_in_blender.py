# SPDX-License-Identifier: Apache-2.0
"""Runs the checks of ``inside`` in Blender's own Python, each file in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import opentimelineio as otio
import pytest
from bpy_environment import INSTALL, Blender
from shotstream_runtime.host.manifest import read_manifest

pytestmark = pytest.mark.blender

INSIDE = Path(__file__).parent / "inside"
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
"""For a shell: runs a command with a folder that cannot be written to, whoever runs it."""
CHECKS = sorted(path.stem for path in INSIDE.glob("check_*.py"))


def check_words(blender: Blender, tmp_path: Path, check: str, *options: str) -> list[object]:
    """The command that runs a file of checks in Blender's Python."""
    options = ("-p", "no:cacheprovider", "-q", "-rfEs", "--timeout=120", "-c", "/dev/null", *options)
    folders = ("--basetemp", tmp_path / "inside", "--rootdir", INSIDE)
    return [blender.python, "-m", "pytest", *options, *folders, INSIDE / f"{check}.py"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", CHECKS)
def test_inside(blender: Blender, check: str, server: str, command: Path, tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    environment = blender.environment(
        SHOTSTREAM_SERVER=server, SHOTSTREAM_COMMAND=str(command), SHOTSTREAM_TAKES=str(takes)
    )
    only = [word for word in os.environ.get("SHOTSTREAM_CHECKS", "").split() if word]
    options = ["-k", " or ".join(only)] if only else []
    done = subprocess.run(
        check_words(blender, tmp_path, check, *options),
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


def test_a_blender_that_cannot_be_written_to(
    blender: Blender, package: Path, server: str, command: Path, tmp_path: Path
) -> None:
    """As an administrator installs it: the extension and all that it makes go to the user's folders."""
    folder = blender.python.parents[1]
    closed = ["unshare", "-rm", "sh", "-c", READ_ONLY, folder]
    if shutil.which("unshare") is None or subprocess.run([*closed, "true"], check=False).returncode:
        pytest.skip("folders cannot be mounted read-only here (unshare -rm)")
    assert subprocess.run([*closed, "touch", folder / "x"], check=False, capture_output=True).returncode
    user = Blender(blender.version, blender.python, tmp_path / "user")
    user.resources.mkdir()
    environment = user.environment(
        SHOTSTREAM_SERVER=server, SHOTSTREAM_COMMAND=str(command), SHOTSTREAM_TAKES=str(tmp_path / "takes")
    )
    checked = check_words(user, tmp_path, "check_sequencer", "-k", "beats_become_strips")
    for words in ([blender.python, "-c", INSTALL, package], checked):
        done = subprocess.run(
            [*closed, *words],
            env=environment,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert (user.resources / "extensions" / "user_default" / "shotstream_blender").is_dir()
