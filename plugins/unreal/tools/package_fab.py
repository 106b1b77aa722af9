# SPDX-License-Identifier: Apache-2.0
# Copyright the ShotStream authors.
"""Makes the packages that Fab takes: one zip of the plugin's sources for each engine version.

python plugins/unreal/tools/package_fab.py --docs-url https://example.org/shotstream --out dist/fab

Fab's rules for code plugins (Fab Technical Requirements, read 2026-11): EngineVersion in the descriptor, and
a zip for each version; PlatformAllowList for each module; a copyright line with name and year in each source;
no Binaries, Build, Intermediate or Saved folder; no programs; third-party code under Source/ThirdParty; no
path of more than 170 characters from the plugin's folder on; a link to documentation.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from unreal_check.compile_layer import VERSIONS
from unreal_check.descriptor import check_descriptor

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "plugins" / "unreal" / "ShotStream"
LONGEST_PATH = 170
_LEFT_OUT = {"Binaries", "Build", "Intermediate", "Saved", "DerivedDataCache", "__pycache__"}
_SOURCES = {".h", ".cpp", ".inl", ".cs", ".py"}
_PROGRAMS = {".exe", ".msi", ".bat", ".com", ".scr"}
_COPYRIGHT = re.compile(r"^(?://|#) Copyright (?:\d{4} )?(?P<owner>the ShotStream authors)\.$", re.MULTILINE)
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class PackageRefused(ValueError):
    """Something that Fab would refuse: each line names a file and the fix."""


def package(
    plugin: Path, engine: str, out: Path, *, docs_url: str, fab_url: str = "", year: int | None = None
) -> Path:
    """Writes `ShotStream-VERSION-UE5.x.zip` into `out` and returns it. Raises `PackageRefused`."""
    year = year or datetime.datetime.now(tz=datetime.UTC).year
    files = dict(_files(plugin))
    problems = list(_problems(files))
    descriptor_name = f"{plugin.name}.uplugin"
    descriptor = json.loads(files[descriptor_name])
    descriptor = _with(descriptor, "EngineVersion", f"{engine}.0", after="VersionName")
    linked = docs_url or str(descriptor.get("DocsURL", ""))
    descriptor["DocsURL"] = linked
    if fab_url:
        descriptor["FabURL"] = fab_url
    if not linked.startswith("https://"):
        problems.append(f"{descriptor_name}: DocsURL is {linked!r}; give --docs-url https://...")
    files[descriptor_name] = (json.dumps(descriptor, indent="\t") + "\n").encode()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for name, content in files.items():
        if Path(name).suffix in _SOURCES and not _third_party(name):
            files[name] = _COPYRIGHT.sub(
                lambda m: m[0].split(" ")[0] + f" Copyright {year} {m['owner']}.", content.decode()
            ).encode()
    problems += _descriptor_problems(plugin.name, files, engine)
    if problems:
        raise PackageRefused("\n".join(problems))
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{plugin.name}-{descriptor['VersionName']}-UE{engine}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{plugin.name}/{name}", _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return target


def _files(plugin: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(plugin.rglob("*")):
        name = path.relative_to(plugin)
        if path.is_file() and not _LEFT_OUT.intersection(name.parts) and not path.name.startswith("."):
            yield name.as_posix(), path.read_bytes()


def _problems(files: dict[str, bytes]) -> Iterator[str]:
    for name, content in files.items():
        if len(name) > LONGEST_PATH:
            yield f"{name}: {len(name)} characters; Fab takes {LONGEST_PATH}"
        if Path(name).suffix.lower() in _PROGRAMS:
            yield f"{name}: a package has no programs"
        if not name.isascii() or " " in name:
            yield f"{name}: plain names only, without spaces"
        if _third_party(name):
            continue
        if Path(name).suffix in _SOURCES:
            head = content.decode("utf-8", "replace").splitlines()[:4]
            if not _COPYRIGHT.search("\n".join(head)):
                yield f"{name}: no '// Copyright the ShotStream authors.'; others' code: Source/ThirdParty"
        elif Path(name).suffix in {".lib", ".a", ".dll", ".so", ".dylib"}:
            yield f"{name}: libraries go under Source/ThirdParty"


def _third_party(name: str) -> bool:
    return name.startswith("Source/ThirdParty/")


def _descriptor_problems(plugin: str, files: dict[str, bytes], engine: str) -> list[str]:
    """What the descriptor check says of the package as it will be unpacked."""
    with tempfile.TemporaryDirectory(prefix="shotstream-fab-") as folder:
        root = Path(folder) / plugin
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return [
            f"{f.path.relative_to(root)}: {f.message}" for f in check_descriptor(root, packaged_for=engine)
        ]


def _with(content: dict[str, object], name: str, value: object, *, after: str) -> dict[str, object]:
    rest = {key: old for key, old in content.items() if key != name}
    ordered: dict[str, object] = {}
    for key, old in rest.items():
        ordered[key] = old
        if key == after:
            ordered[name] = value
    return ordered if name in ordered else {**ordered, name: value}


def main() -> int:
    """Writes the packages; 1 if one is refused."""
    parser = argparse.ArgumentParser(description="Makes the zip files that Fab takes.")
    parser.add_argument("--engine", nargs="+", default=VERSIONS, choices=VERSIONS, help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "fab")
    parser.add_argument(
        "--docs-url", default="", help="where the documentation is, if the descriptor has no DocsURL"
    )
    parser.add_argument(
        "--fab-url", default="", help="the listing's FabURL, known after its first submission"
    )
    parser.add_argument("--year", type=int, help="of the copyright lines; default: this one")
    options = parser.parse_args()
    for engine in options.engine:
        try:
            made = package(
                PLUGIN,
                engine,
                options.out,
                docs_url=options.docs_url,
                fab_url=options.fab_url,
                year=options.year,
            )
        except PackageRefused as error:
            print(error, file=sys.stderr)
            return 1
        print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
