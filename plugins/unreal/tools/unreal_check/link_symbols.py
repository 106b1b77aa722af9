# SPDX-License-Identifier: Apache-2.0
"""What a linker would miss: functions without a definition, with two, or not exported from their module.

The engine's editor builds each module as a shared library. What another module uses must be exported by the
module's API macro; without it everything compiles, and nothing links.
"""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from unreal_check.compile_layer import SHIMS, VERSIONS, Compiler, Unit, compile_findings
from unreal_check.cpp_tokens import Kind, read_source, tokenize
from unreal_check.findings import Finding
from unreal_check.layer import ENGINE_FREE

_SYMBOL = re.compile(
    r"^\s*\d+:\s+\S+\s+\S+\s+(?P<type>\S+)\s+(?P<bind>\S+)\s+(?P<visibility>\S+)\s+(?P<section>\S+)\s+(?P<name>.+)$"
)


@dataclass(slots=True)
class _Symbols:
    defined: dict[str, list[Path]] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    wanted: dict[str, Path] = field(default_factory=dict)


def check_symbols(compiler: Compiler, folder: Path) -> list[Finding]:
    """Compiles to objects in `folder`, which keeps them for the next time, and compares their symbols."""
    layer = compiler.layer
    modules = {module.name: _Symbols() for module in layer.modules}
    units = [
        Unit(module.name, path, VERSIONS[0])
        for module in layer.modules
        for path in (*sorted(module.sources), *compiler.stubs.get(module.name, []))
    ]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        objects = list(pool.map(lambda unit: _object(compiler, unit, folder), units))
    failures = [found for made in objects if isinstance(made, list) for found in made]
    if failures:
        return sorted(failures)
    for unit, made in zip(units, objects, strict=True):
        assert isinstance(made, Path)
        _read_symbols(made, unit.path, modules[unit.module])
    core = exported_from_core(layer.plugin)
    findings: set[Finding] = set()
    for name, symbols in modules.items():
        for symbol, places in symbols.defined.items():
            if len(places) > 1:
                message = f"{symbol} is defined twice: also in {places[1].name}"
                findings.add(Finding(places[0], 1, "linked-twice", message))
        elsewhere = {other: found for other, found in modules.items() if other != name}
        for symbol, path in symbols.wanted.items():
            if symbol not in symbols.defined:
                findings |= _missing(symbol, path, elsewhere, core)
    return sorted(findings)


def _missing(symbol: str, path: Path, others: dict[str, _Symbols], core: set[str]) -> set[Finding]:
    for other, symbols in others.items():
        if symbol in symbols.exported:
            return set()
        if symbol in symbols.defined:
            message = f"{symbol} is not exported from {other}: {other.upper()}_API before it"
            return {Finding(path, 1, "not-exported", message)}
    if symbol.startswith("shotstream::"):
        scopes = re.split(r"::|\(", symbol)[1:3]
        if not core.intersection(scopes):
            message = f"{symbol} is not exported from ShotStreamCore: SHOTSTREAMCORE_API before it"
            return {Finding(path, 1, "not-exported", message)}
        return set()
    leading = _leading_word(symbol)
    ours = leading not in _engine_words() and leading not in {"std", "operator", ""}
    if ours and ("(" in symbol or " for " in symbol or symbol[:1].isupper()):
        return {Finding(path, 1, "not-defined", f"{symbol} is declared, used, and defined nowhere")}
    return set()


def _object(compiler: Compiler, unit: Unit, folder: Path) -> Path | list[Finding]:
    """The unit's object file, made unless the same text was compiled before; or why there is none."""
    made = folder / f"{compiler.key(unit)}.o"
    if made.exists():
        return made
    fresh = folder / f"{unit.module}-{unit.path.name}-{os.getpid()}.o"
    done = compiler.run(unit, ["-c", "-O0", "-o", str(fresh)])
    if done.returncode:
        return compile_findings(done.stderr, unit)
    return fresh.replace(made)


def _read_symbols(made: Path, source: Path, into: _Symbols) -> None:
    command = ["readelf", "--symbols", "--wide", "--demangle", str(made)]
    table = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    for line in table.splitlines():
        match = _SYMBOL.match(line)
        if not match or match["type"] in {"SECTION", "FILE"}:
            continue
        name = match["name"].removeprefix("[<other>: 88] ").strip()
        if match["section"] == "UND":
            into.wanted.setdefault(name, source)
        elif match["bind"] == "GLOBAL":
            places = into.defined.setdefault(name, [])
            if source not in places:
                places.append(source)
            if match["visibility"] == "DEFAULT":
                into.exported.add(name)
        elif match["bind"] == "WEAK":
            into.defined.setdefault(name, [source])
            into.exported.add(name)


def _leading_word(symbol: str) -> str:
    """`UClass* NewObject<UThing>(int)` is of NewObject, `vtable for FThing` and `FThing::Run()` of FThing."""
    name, depth = "", 0
    for character in symbol.partition(" for ")[2] or symbol:
        depth += {"<": 1, ">": -1}.get(character, 0)
        if depth == 0 and character == "(":
            break
        name += character if depth == 0 and character != ">" else ""
    match = re.search(r"(?:^|\s)~?(\w+)(?:::[~\w]+)*$", name)
    return match[1] if match else ""


@cache
def _engine_words() -> frozenset[str]:
    words: set[str] = set()
    for path in SHIMS.rglob("*.h"):
        words |= {token.text for token in tokenize(read_source(path)).tokens if token.kind is Kind.NAME}
    return frozenset(words)


def exported_from_core(plugin: Path) -> set[str]:
    """Names of the core's classes and functions that carry its API macro."""
    found: set[str] = set()
    for name in ENGINE_FREE:
        for path in sorted((plugin / "Source" / name / "Public").rglob("*.h")):
            tokens = tokenize(read_source(path)).tokens
            for index, token in enumerate(tokens):
                if token.text != f"{name.upper()}_API":
                    continue
                if tokens[index - 1].text in {"class", "struct"}:
                    found.add(tokens[index + 1].text)
                    continue
                bracket = next(
                    (i for i in range(index, len(tokens)) if tokens[i].text in {"(", ";", "{"}), index
                )
                found.add(tokens[bracket - 1].text)
    return found
