# SPDX-License-Identifier: Apache-2.0
"""Rules for whole files: includes, names, what only one of may exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unreal_check.declarations import Header
from unreal_check.findings import Finding
from unreal_check.layer import Layer

COPYRIGHT = re.compile(r"^// (SPDX-License-Identifier: \S+|Copyright .+)$")


def check_files(layer: Layer) -> Iterator[Finding]:
    yield from layer.unreadable
    yield from _one_of_each_name(layer)
    for _, header in layer.headers():
        yield from _generated_include(header)
        yield from _outside_conditions(header)


def _generated_include(header: Header) -> Iterator[Finding]:
    wanted = f"{header.path.stem}.generated.h"
    includes = header.includes
    generated = [(name, line) for name, line in includes if name.endswith(".generated.h")]
    if not any(d.name == "pragma" and d.argument == "once" for d in header.directives):
        yield Finding(header.path, 1, "pragma-once", "the header needs #pragma once")
    if not header.reflected:
        for name, line in generated:
            yield Finding(header.path, line, "generated-include", f"nothing here is reflected: remove {name}")
        return
    if not generated:
        yield Finding(header.path, 1, "generated-include", f'#include "{wanted}" is missing')
    for name, line in generated:
        if name != wanted:
            yield Finding(header.path, line, "generated-include", f"{name} must be {wanted}, after the file")
    if generated and includes[-1] not in generated:
        where = generated[0][1]
        yield Finding(header.path, where, "generated-last", f"{generated[0][0]} must be the last include")
    for name, line in generated[1:]:
        yield Finding(header.path, line, "generated-include", f"{name} is a second generated include")
    first = min(header.reflected_lines, default=0)
    for name, line in generated:
        if first and line > first:
            yield Finding(
                header.path, line, "generated-last", f"{name} must come before the first declaration"
            )


def _outside_conditions(header: Header) -> Iterator[Finding]:
    """The header tool reads no conditions but WITH_EDITORONLY_DATA, and WITH_EDITOR around functions."""
    for record in header.classes:
        if record.macro and record.conditions:
            yield Finding(
                header.path,
                record.line,
                "conditions",
                f"{record.name} must not stand inside #if {record.conditions[-1]}",
            )
        for member in (*record.properties, *record.functions):
            allowed = (
                {"WITH_EDITORONLY_DATA"}
                if member in record.properties
                else {"WITH_EDITOR", "WITH_EDITORONLY_DATA"}
            )
            wrong = [
                condition
                for condition in (*member.conditions, *(member.macro.conditions if member.macro else ()))
                if condition not in allowed
            ]
            if member.macro and wrong:
                yield Finding(
                    header.path,
                    member.line,
                    "conditions",
                    f"{member.macro.name} {member.name} must not stand inside #if {wrong[-1]}",
                )


def _one_of_each_name(layer: Layer) -> Iterator[Finding]:
    """The engine's names lose their prefix, so that FThing, EThing and UThing are all `Thing`."""
    seen: dict[str, str] = {}
    files: dict[str, str] = {}
    for _, header in layer.headers():
        if header.reflected:
            before = files.setdefault(header.path.name.lower(), str(header.path))
            if before != str(header.path):
                yield Finding(
                    header.path,
                    1,
                    "header-name",
                    f"{before} has the same file name; generated headers would collide",
                )
        items = [(record.name, record.line) for record in header.classes if record.macro]
        items += [(enum.name, enum.line) for enum in header.enums if enum.macro]
        items += [(delegate.name, delegate.line) for delegate in header.delegates if delegate.dynamic]
        for name, line in items:
            before = seen.setdefault(name[1:].lower(), name)
            if before != name or seen.get(f"={name}") == "":
                yield Finding(
                    header.path,
                    line,
                    "engine-name",
                    f"{name} and {before} are both {name[1:]!r} to the engine: rename one",
                )
            seen[f"={name}"] = ""
