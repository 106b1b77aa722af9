#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender extension: one zip for each platform, with its wheels inside.

Usage: python plugins/blender/build.py [--platform linux-x64] [--out DIR]

Third-party wheels come unchanged from the package index, pinned with their hashes in wheels.txt; Blender
picks those that fit its Python. The bridge's wheel is made from this repository.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "shotstream_blender"
REPOSITORY = HERE.parent.parent
BRIDGE = REPOSITORY / "bridge" / "shotstream_bridge"
REQUIREMENTS = HERE / "wheels.txt"

PYTHONS = ("3.11", "3.13")
"""Of Blender 4.2 to 5.0, and of 5.1 and later."""
PLATFORMS = {
    "windows-x64": ("win_amd64",),
    "linux-x64": (
        "manylinux_2_28_x86_64",
        "manylinux_2_26_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ),
    "macos-arm64": ("macosx_11_0_arm64", "macosx_10_15_universal2"),
}
"""Blender's names, and the tags of wheels that run there."""
_DATE = (2026, 1, 1, 0, 0, 0)
"""Of every file in a zip, so that the same source makes the same bytes."""


def bridge_wheel(folder: Path) -> Path:
    """Makes a wheel of the bridge alone.

    Blender does not install a wheel again whose version it has: the version carries a hash of the content.
    """
    files = {f"shotstream_bridge/{path.name}": path.read_bytes() for path in sorted(BRIDGE.glob("*.py"))}
    if (typed := BRIDGE / "py.typed").exists():
        files["shotstream_bridge/py.typed"] = typed.read_bytes()
    digest = hashlib.sha256(b"".join(name.encode() + data for name, data in files.items())).hexdigest()[:12]
    number = re.search(r'__version__[^=]*= "([^"]+)"', (BRIDGE / "version.py").read_text(encoding="utf-8"))
    assert number is not None, "the bridge has no __version__"
    version = f"{number[1]}+{digest}"
    info = f"shotstream_bridge-{version}.dist-info"
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.3\nName: shotstream-bridge\nVersion: {version}\n"
        "Summary: ShotStream's protocol and client\nLicense: Apache-2.0\nRequires-Python: >=3.11\n"
    ).encode()
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: shotstream\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{info}/licenses/LICENSE"] = (REPOSITORY / "LICENSE").read_bytes()
    lines = [f"{name},sha256={_record_hash(data)},{len(data)}\n" for name, data in files.items()]
    files[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    path = folder / f"shotstream_bridge-{version}-py3-none-any.whl"
    _write_zip(path, files)
    return path


def third_party_wheels(platform: str) -> list[Path]:
    """The wheels of a platform for every Python, downloaded once; pip checks their hashes."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = HERE / "build" / f"wheels-{pins}" / platform
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            part = Path(name) / platform
            _download(platform, part)
            # Whole or not at all. Another build may have been quicker.
            with contextlib.suppress(OSError):
                part.rename(folder)
    return list(folder.glob("*.whl"))


def _download(platform: str, folder: Path) -> None:
    tags = [argument for tag in PLATFORMS[platform] for argument in ("--platform", tag)]
    for python in PYTHONS:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
        command += ["--python-version", python, *tags, "--dest", str(folder), "-r", str(REQUIREMENTS)]
        subprocess.run(command, check=True)  # noqa: S603 - pip, with pinned hashes


def manifest_of(platform: str, wheels: list[str]) -> str:
    """The manifest of one platform's package."""
    text = (SOURCE / "blender_manifest.toml").read_text(encoding="utf-8")
    text = re.sub(r"^platforms = .*$", f'platforms = ["{platform}"]', text, flags=re.MULTILINE)
    listed = "".join(f'    "./wheels/{name}",\n' for name in wheels)
    return text.replace("\n[permissions]", f"\nwheels = [\n{listed}]\n\n[permissions]")


def build(platform: str, out: Path) -> Path:
    """Builds the package of a platform; returns its path."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        wheels = sorted([*third_party_wheels(platform), bridge_wheel(Path(name))], key=lambda path: path.name)
        manifest = manifest_of(platform, [wheel.name for wheel in wheels])
        files = {
            path.relative_to(SOURCE).as_posix(): path.read_bytes()
            for path in sorted(SOURCE.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        files["blender_manifest.toml"] = manifest.encode()
        files |= {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
        described = tomllib.loads(manifest)
        package = out / f"{described['id']}-{described['version']}-{platform.replace('-', '_')}.zip"
        _write_zip(package, files)
    return package


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            # Wheels are compressed already.
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            package.writestr(entry, data)


def main() -> None:
    """Builds what is asked for."""
    parser = argparse.ArgumentParser(description="Builds the Blender extension, one zip for each platform.")
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS), help="default: all of them")
    parser.add_argument("--out", type=Path, default=HERE / "dist", help="folder for the zips")
    arguments = parser.parse_args()
    for platform in arguments.platform or PLATFORMS:
        package = build(platform, arguments.out)
        print(f"{package}  {package.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
