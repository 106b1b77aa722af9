# SPDX-License-Identifier: Apache-2.0
"""Compiles the engine layer against our declarations of the engine (`shims/`), for each engine version."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from unreal_check.findings import Finding
from unreal_check.layer import ENGINE_FREE, Layer, Module

SHIMS = Path(__file__).parents[1] / "shims"
VERSIONS = ("5.6", "5.7", "5.8")
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wundef",
    "-Wnon-virtual-dtor",
    "-Werror",
    "-Wno-unused-parameter",
]
"""As the engine's own clang builds, and -Wextra; unused parameters are no warning there."""
_VERSION = re.compile(r"\bENGINE_(?:MAJOR|MINOR|PATCH)_VERSION\b|\bUE_VERSION_")
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)', re.MULTILINE)
_ERROR = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?error: (?P<message>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to compile: a header on its own, a source, or a folder: all sources of its module in one."""

    module: str
    path: Path
    version: str
    editor: bool = True

    @property
    def is_header(self) -> bool:
        return self.path.suffix == ".h"


@dataclass(slots=True)
class Compiler:
    """Compiles units of one layer.

    Attributes:
        layer: What is compiled.
        generated: The folder of the generated stubs.
        stubs: The .gen.cpp files there, by module.
    """

    layer: Layer
    generated: Path
    stubs: dict[str, list[Path]]

    def units(self, versions: Sequence[str] = VERSIONS) -> list[Unit]:
        """Everything for the first version; for the others what sees the version, the rest being the same."""
        found = []
        for module in self.layer.modules:
            for path in [header.path for header in module.headers] + sorted(module.sources):
                seen = versions if self._sees_version(path) else versions[:1]
                # As the editor has it, and as a packaged game does.
                kinds = (True,) if module.name.endswith("Editor") else (True, False)
                found += [Unit(module.name, path, version, editor) for version in seen for editor in kinds]
            # The engine's build tool joins sources: names that are local to their files then meet.
            found.append(Unit(module.name, module.folder, versions[0]))
        return found

    def check(self, units: Iterable[Unit]) -> list[Finding]:
        """Compiles all; gives the errors, each once."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            results = list(pool.map(self._check_one, units))
        return sorted({finding for result in results for finding in result})

    def _check_one(self, unit: Unit) -> list[Finding]:
        done = self.run(unit, ["-fsyntax-only"])
        return compile_findings(done.stderr, unit) if done.returncode else []

    def _sees_version(self, path: Path) -> bool:
        """Whether the file, or anything that it includes, asks for the engine's version."""
        return any(
            _VERSION.search(found.read_text("utf-8-sig", "replace")) for found in self._included([path])
        )

    def unused_declarations(self) -> list[Path]:
        """Headers in `shims/` that nothing includes."""
        sources = [path for module in self.layer.modules for path in module.sources]
        used = self._included([header.path for _, header in self.layer.headers()] + sources)
        return sorted(set(SHIMS.rglob("*.h")) - used)

    def _included(self, paths: list[Path]) -> set[Path]:
        """The files, and what they include of the layer's and the engine's headers, directly or not."""
        own = {header.path.name: header.path for _, header in self.layer.headers()}
        seen, queue = set(paths), list(paths)
        while queue:
            for name in _INCLUDE.findall(queue.pop().read_text("utf-8-sig", "replace")):
                found = own.get(Path(name).name) or _shim(name)
                if found and found not in seen:
                    seen.add(found)
                    queue.append(found)
        return seen

    def key(self, unit: Unit) -> str:
        """Names what the compiler gets to see of the unit; a failed preprocessing has a key of its own."""
        text = self.run(unit, ["-E", "-P"])
        seen = text.stdout if text.returncode == 0 else f"{unit} {text.stderr}"
        return hashlib.sha256(f"{unit.module} {unit.path.name}\n{seen}".encode()).hexdigest()

    def run(self, unit: Unit, mode: list[str]) -> subprocess.CompletedProcess[str]:
        command = [find_clang(), *mode, *self.flags(unit), "-x", "c++"]
        if unit.is_header:
            source, given = "-", f'#include "{unit.path}"\n'
        elif unit.path.is_dir():
            sources = sorted(self.layer.module(unit.module).sources)
            source, given = "-", "".join(f'#include "{path}"\n' for path in sources)
        else:
            source, given = str(unit.path), ""
        return subprocess.run(
            [*command, source], input=given, capture_output=True, text=True, check=False, timeout=120
        )

    def flags(self, unit: Unit) -> list[str]:
        """What the engine's build tool would pass, as far as it matters to syntax."""
        major, minor = unit.version.split(".")
        flags = [
            "-std=c++20",
            "-fno-exceptions",
            "-fno-rtti",
            "-fvisibility=hidden",
            *WARNINGS,
            "-ferror-limit=20",
        ]
        flags += [
            f"-DENGINE_MAJOR_VERSION={major}",
            f"-DENGINE_MINOR_VERSION={minor}",
            "-DENGINE_PATCH_VERSION=0",
        ]
        flags += [
            f"-DWITH_EDITOR={int(unit.editor)}",
            f'-DUE_MODULE_NAME="{unit.module}"',
            '-DUE_PLUGIN_NAME="ShotStream"',
        ]
        names = [module.name for module in self.layer.modules] + sorted(ENGINE_FREE)
        flags += [f'-D{name.upper()}_API=__attribute__((visibility("default")))' for name in names]
        source = self.layer.plugin / "Source"
        module = self.layer.module(unit.module)
        own = [module.folder / "Public", module.folder / "Private"]
        visible = [source / name / "Public" for name in dependencies(module) if (source / name).is_dir()]
        for folder in [
            *own,
            *visible,
            self.generated / unit.module,
            *(self.generated / path.parent.name for path in visible),
        ]:
            if folder.is_dir():
                flags += ["-I", str(folder)]
        for shim in sorted(SHIMS.iterdir()):
            if shim.is_dir():
                flags += ["-isystem", str(shim)]
        return flags


def dependencies(module: Module) -> list[str]:
    """The module names in the strings of its Build.cs."""
    text = (module.folder / f"{module.name}.Build.cs").read_text(encoding="utf-8-sig")
    return re.findall(r'"(\w+)"', re.sub(r"//[^\n]*", "", text))


@cache
def _shim(include: str) -> Path | None:
    return next((folder / include for folder in SHIMS.iterdir() if (folder / include).is_file()), None)


@cache
def find_clang() -> str:
    """Raises `FileNotFoundError` where there is none."""
    for name in ("clang++", *(f"clang++-{version}" for version in range(21, 13, -1))):
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError("clang++ is missing; Debian: apt-get install clang")


def compile_findings(text: str, unit: Unit) -> list[Finding]:
    where = f"engine {unit.version}{'' if unit.editor else ', without editor'}"
    found = [
        Finding(Path(match["path"]), int(match["line"]), "compile", f"{match['message']} ({where})")
        for match in _ERROR.finditer(text)
    ]
    return found or [Finding(unit.path, 1, "compile", f"{text.strip()[-400:] or 'clang failed'} ({where})")]
