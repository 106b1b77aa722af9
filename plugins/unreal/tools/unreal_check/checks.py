# SPDX-License-Identifier: Apache-2.0
"""The checks by name, on one copy of the plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unreal_check.build_rules import check_build_rules
from unreal_check.compile_layer import VERSIONS, Compiler, Unit
from unreal_check.conventions import check_conventions
from unreal_check.descriptor import check_descriptor
from unreal_check.editor_script import check_scripts
from unreal_check.findings import Finding
from unreal_check.generated_stubs import write_stubs
from unreal_check.layer import Layer, read_layer
from unreal_check.link_symbols import check_symbols
from unreal_check.node_reference import undocumented
from unreal_check.reflection import check_reflection

CHECKS = {
    "headers": "the rules of the engine's header tool",
    "conventions": "what makes comparable plugins crash, hang, hitch or leak",
    "compile": "clang against the declarations in shims/, for each engine version",
    "link": "symbols of the objects: defined once, and exported where another module uses them",
    "build": "the *.Build.cs files",
    "descriptor": "the .uplugin, the modules' entry points, FilterPlugin.ini",
    "script": "Content/Python with pyright and unreal-stub",
}


@dataclass
class Checker:
    """Checks `plugin`, the folder with the .uplugin. Generated files go to `work`; `cache` outlives them."""

    plugin: Path
    work: Path
    cache: Path
    versions: Sequence[str] = VERSIONS

    @cached_property
    def layer(self) -> Layer:
        return read_layer(self.plugin)

    @cached_property
    def compiler(self) -> Compiler:
        generated = self.work / "generated"
        return Compiler(self.layer, generated, write_stubs(self.layer, generated))

    def run(self, name: str, units: Sequence[Unit] | None = None) -> list[Finding]:
        """One of CHECKS; `units` narrows what is compiled."""
        if name == "headers":
            return sorted([*check_reflection(self.layer), *undocumented(self.layer)])
        if name == "conventions":
            return check_conventions(self.layer)
        if name == "compile":
            return self.compiler.check(self.compiler.units(self.versions) if units is None else units)
        if name == "link":
            objects = self.cache / "objects"
            objects.mkdir(parents=True, exist_ok=True)
            return check_symbols(self.compiler, objects)
        if name == "build":
            return check_build_rules(self.plugin)
        if name == "descriptor":
            return check_descriptor(self.plugin)
        if name == "script":
            self.cache.mkdir(parents=True, exist_ok=True)
            return check_scripts(sorted(self.plugin.glob("Content/Python/*.py")), self.cache)
        raise ValueError(f"{name!r} is no check; there are {', '.join(CHECKS)}")
