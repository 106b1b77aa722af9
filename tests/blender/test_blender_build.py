# SPDX-License-Identifier: Apache-2.0
"""The build: what is in the packages, and whether Blender's own check takes them."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from bpy_environment import BUILD, REPOSITORY, Blender
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

pytestmark = pytest.mark.blender

_VALIDATE = """
import sys
from pathlib import Path
import bpy, addon_utils
sys.path.insert(0, str(Path(addon_utils.__file__).parents[1] / "addons_core" / "bl_pkg"))
from cli import blender_ext
sys.exit(0 if blender_ext.main(["validate", sys.argv[1]]) in (0, True, None) else 1)
"""
# What the machines that Blender asks for can load: glibc 2.28, macOS 11.
RUNS = {
    "windows_x64": ["win_amd64"],
    "linux_x64": [f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)],
    "macos_arm64": list(mac_platforms((11, 0), "arm64")),
}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BRIDGE_NEEDS = {
    canonicalize_name(Requirement(line).name): str(Requirement(line).specifier)
    for line in PROJECT["dependencies"]
}
# Packages installed at run time are what users of such add-ons suffer from most; Blender supports no threads.
_FORBIDDEN = {
    "pip",
    "ensurepip",
    "threading",
    "concurrent",
    "multiprocessing",
    "asyncio",
    "urllib",
    "requests",
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("packages")
    subprocess.run([sys.executable, str(BUILD), "--out", str(out)], check=True)
    return {path.stem.rpartition("-")[2]: path for path in out.glob("*.zip")}


def test_one_package_for_each_platform_with_its_wheels(packages: dict[str, Path]) -> None:
    assert set(packages) == {"windows_x64", "linux_x64", "macos_arm64"}
    own = {"windows_x64": "win_amd64", "linux_x64": "manylinux", "macos_arm64": "macosx"}
    for platform, path in packages.items():
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
            manifest = tomllib.loads(package.read("blender_manifest.toml").decode())
        assert manifest["platforms"] == [platform.replace("_", "-")]
        assert {f"wheels/{Path(name).name}" for name in manifest["wheels"]} == {
            name for name in names if name.endswith(".whl")
        }
        assert {"LICENSE", "__init__.py", "child/finish_shot.py"} <= names
        native = [name for name in manifest["wheels"] if "none-any" not in name]
        assert all(own[platform] in name for name in native)
        assert path.stat().st_size < 12_000_000


def wheels_for(package: zipfile.ZipFile, accepted: set[Tag]) -> dict[str, zipfile.ZipFile]:
    """The wheels of a package that one Blender takes: exactly one of each project."""
    found: dict[str, zipfile.ZipFile] = {}
    for name in package.namelist():
        if not name.endswith(".whl"):
            continue
        project, _, _, tags = parse_wheel_filename(Path(name).name)
        if tags & accepted:
            assert project not in found, f"two wheels of {project} fit"
            found[project] = zipfile.ZipFile(io.BytesIO(package.read(name)))
    return found


@pytest.mark.parametrize("python", [(3, 11), (3, 13)], ids=["4.2 to 5.0", "from 5.1 on"])
@pytest.mark.parametrize("platform", list(RUNS))
def test_the_wheels_fit_each_blender_and_lack_nothing(
    packages: dict[str, Path], platform: str, python: tuple[int, int]
) -> None:
    accepted = set(cpython_tags(python, platforms=RUNS[platform]))
    accepted |= set(compatible_tags(python, f"cp3{python[1]}", platforms=RUNS[platform]))
    version = f"{python[0]}.{python[1]}"
    with zipfile.ZipFile(packages[platform]) as package:
        wheels = wheels_for(package, accepted)
    needed = {**BRIDGE_NEEDS, "shotstream-bridge": ""}
    for wheel in wheels.values():
        metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        for line in wheel.read(metadata).decode().splitlines():
            if line.startswith("Requires-Dist:"):
                requirement = Requirement(line.partition(":")[2])
                where = {"python_version": version, "implementation_name": "cpython", "extra": ""}
                if requirement.marker is None or requirement.marker.evaluate(where):
                    needed[canonicalize_name(requirement.name)] = str(requirement.specifier)
    # Blender brings its own numpy; frames come uncompressed.
    assert set(needed) - {"numpy", "pillow"} == set(wheels)
    for name, specifier in needed.items():
        if name in wheels:
            metadata = next(n for n in wheels[name].namelist() if n.endswith(".dist-info/METADATA"))
            told = wheels[name].read(metadata).decode()
            held = next(line for line in told.splitlines() if line.startswith("Version:"))
            assert SpecifierSet(specifier).contains(held.partition(":")[2].strip(), prereleases=True), name


def test_blender_takes_the_package(blender: Blender, package: Path) -> None:
    done = subprocess.run(
        [blender.python, "-c", _VALIDATE, package],
        env=blender.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Success" in done.stdout


def test_the_same_source_makes_the_same_bytes(package: Path, tmp_path: Path) -> None:
    again = [sys.executable, str(BUILD), "--platform", "linux-x64", "--out", str(tmp_path)]
    subprocess.run(again, check=True)
    assert next(tmp_path.glob("*.zip")).read_bytes() == package.read_bytes()


def test_nothing_is_installed_at_run_time_and_there_are_no_threads() -> None:
    source = BUILD.parent / "shotstream_blender"
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later"), path
        imported = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
        # The process that looks after the server is not Blender.
        allowed = {"threading"} if path.name == "supervise.py" else set()
        assert not imported & _FORBIDDEN - allowed, (path, imported)
