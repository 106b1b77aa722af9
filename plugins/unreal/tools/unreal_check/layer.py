# SPDX-License-Identifier: Apache-2.0
"""The plugin's engine layer as read: modules, headers, sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unreal_check.cpp_tokens import CppSyntaxError, Source, read_source, tokenize
from unreal_check.declarations import Class, Delegate, Header
from unreal_check.exposable import Types
from unreal_check.findings import Finding
from unreal_check.header_reader import read_header

ENGINE_FREE = {"ShotStreamCore"}
"""Modules without a word of the engine, except in Private/Module; they have their own build and tests."""


@dataclass(slots=True)
class Module:
    name: str
    folder: Path
    headers: list[Header] = field(default_factory=list)
    sources: dict[Path, Source] = field(default_factory=dict)

    @property
    def api(self) -> str:
        return f"{self.name.upper()}_API"


@dataclass(slots=True)
class Layer:
    """Everything under `ShotStream/Source` that meets the engine."""

    plugin: Path
    modules: list[Module] = field(default_factory=list)
    unreadable: list[Finding] = field(default_factory=list)
    types: Types = field(default_factory=Types)

    def module(self, name: str) -> Module:
        return next(module for module in self.modules if module.name == name)

    def headers(self) -> Iterator[tuple[Module, Header]]:
        for module in self.modules:
            for header in module.headers:
                yield module, header

    def classes(self) -> Iterator[tuple[Module, Header, Class]]:
        for module, header in self.headers():
            for record in header.classes:
                yield module, header, record

    def delegates(self) -> Iterator[tuple[Header, Delegate]]:
        for _, header in self.headers():
            for delegate in header.delegates:
                yield header, delegate

    def by_name(self) -> dict[str, Class]:
        return {record.name: record for _, _, record in self.classes()}

    def lineage(self, name: str) -> list[Class]:
        """The class and its bases, as far as they are declared here."""
        known, found, queue = self.by_name(), [], [name]
        while queue:
            record = known.get(queue.pop(0))
            if record and record not in found:
                found.append(record)
                queue += record.bases
        return found

    def descends(self, name: str, ancestor: str) -> bool:
        return any(ancestor in record.bases for record in self.lineage(name))


def read_layer(plugin: Path) -> Layer:
    """`plugin` is the folder with the .uplugin file. Unreadable files become findings."""
    layer = Layer(plugin)
    for build in sorted(plugin.glob("Source/*/*.Build.cs")):
        module = Module(build.name.removesuffix(".Build.cs"), build.parent)
        layer.modules.append(module)
        for path in sorted(build.parent.rglob("*")):
            if module.name in ENGINE_FREE and path.parent.name != "Module":
                continue
            try:
                if path.suffix == ".h":
                    module.headers.append(read_header(path))
                elif path.suffix == ".cpp":
                    module.sources[path] = tokenize(read_source(path))
            except CppSyntaxError as error:
                layer.unreadable.append(Finding(path, 1, "readable", str(error)))
    _collect_types(layer)
    return layer


def _collect_types(layer: Layer) -> None:
    types = layer.types
    for _, _, record in layer.classes():
        if record.kind == "USTRUCT":
            types.structs.add(record.name)
            if record.macro and record.macro.has("BlueprintType"):
                types.blueprint_structs.add(record.name)
        elif record.kind in {"UCLASS", "UINTERFACE"}:
            types.classes.add(record.name)
    for _, header in layer.headers():
        for enum in header.enums:
            if enum.macro:
                types.enums.add(enum.name)
                if enum.macro.has("BlueprintType"):
                    types.blueprint_enums.add(enum.name)
        for delegate in header.delegates:
            if delegate.dynamic:
                types.delegates[delegate.name] = delegate.multicast
