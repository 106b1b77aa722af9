# SPDX-License-Identifier: Apache-2.0
"""What the engine's header tool would generate, as far as a compiler must see it.

For each reflected header two files: `Name.generated.h` gives GENERATED_BODY() its meaning, by file and line
as in the engine, so that a missing or misplaced include does not compile; `Name.gen.cpp` defines what is
declared there, so that a function that both sides define, or neither, is found among the objects' symbols.
"""

from __future__ import annotations

from pathlib import Path

from unreal_check.declarations import Class, Enum, Function, Header
from unreal_check.layer import Layer
from unreal_check.vocabulary import EVENTS

_HEAD = "// Made by unreal_check from {name}. Do not edit.\n"


def write_stubs(layer: Layer, folder: Path) -> dict[str, list[Path]]:
    """Writes the stubs; returns each module's .gen.cpp files. Files that would not change keep their time."""
    made: dict[str, list[Path]] = {}
    for module, header in layer.headers():
        if not header.reflected:
            continue
        place = folder / module.name
        place.mkdir(parents=True, exist_ok=True)
        _write(place / f"{header.path.stem}.generated.h", generated_header(header))
        source = place / f"{header.path.stem}.gen.cpp"
        _write(source, generated_source(header, _include_name(header.path)))
        made.setdefault(module.name, []).append(source)
    return made


def _include_name(path: Path) -> str:
    """How the header is included: relative to Public or Private."""
    parts = path.parts
    for root in ("Public", "Private", "Classes"):
        if root in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(root) :])
    return path.name


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generated_header(header: Header) -> str:
    file_id = f"FID_{header.path.stem}_h"
    lines = [_HEAD.format(name=header.path.name), '#include "UObject/ObjectMacros.h"']
    lines += [f"#ifdef {file_id}_included", f"#error #pragma once is missing in {header.path.name}", "#endif"]
    lines.append(f"#define {file_id}_included")
    lines += [f"{record.keyword} {record.name};" for record in header.classes if record.macro]
    for enum in _enums(header):
        lines += [f"enum class {enum.name} : {enum.underlying or 'int32'};"]
        lines += [f"template<> UEnum* StaticEnum<{enum.name}>();"]
    lines += ["#undef CURRENT_FILE_ID", f"#define CURRENT_FILE_ID {file_id}"]
    for record in header.classes:
        if record.body_macro:
            body = _body(record)
            lines.append(f"#define {file_id}_{record.body_line}_GENERATED_BODY \\")
            lines += [f"\t{line} \\" for line in body[:-1]] + [f"\t{body[-1]}"]
    return "\n".join(lines) + "\n"


def generated_source(header: Header, include: str) -> str:
    """Definitions of what GENERATED_BODY declares, and of events, which have none elsewhere."""
    lines = [_HEAD.format(name=header.path.name), f'#include "{include}"']
    lines += [f"template<> UEnum* StaticEnum<{enum.name}>() {{ return nullptr; }}" for enum in _enums(header)]
    for record in header.classes:
        if record.kind == "USTRUCT":
            lines.append(f"UScriptStruct* {record.name}::StaticStruct() {{ return nullptr; }}")
        elif record.kind in {"UCLASS", "UINTERFACE"}:
            lines += _class_source(record)
    return "\n".join(lines) + "\n"


def _enums(header: Header) -> list[Enum]:
    return [enum for enum in header.enums if enum.macro and enum.scoped]


def _body(record: Class) -> list[str]:
    if record.kind == "USTRUCT":
        lines = ["static UScriptStruct* StaticStruct();"]
        return lines + [f"typedef {base} Super;" for base in record.bases[:1]]
    if record.kind == "IINTERFACE":
        return [
            "public:",
            f"virtual ~{record.name}() = default;",
            f"typedef U{record.name[1:]} UClassType;",
            *_implementations(record),
            "private:",
        ]
    name = record.name
    lines = [
        "public:",
        f"typedef {record.bases[0] if record.bases else 'UObject'} Super;",
        f"typedef {name} ThisClass;",
        "static UClass* StaticClass();",
        f"{name}({name}&&) = delete;",
        f"{name}(const {name}&) = delete;",
    ]
    if not _has_constructor(record):
        lines.append(f"{name}(const FObjectInitializer& ObjectInitializer = FObjectInitializer::Get());")
    lines += _implementations(record)
    lines += [
        f"static void exec{function.name}(UObject*);" for function in record.functions if function.macro
    ]
    return [*lines, "private:"]


def _has_constructor(record: Class) -> bool:
    return any(function.name == record.name for function in record.functions)


def _implementations(record: Class) -> list[str]:
    """What BlueprintNativeEvent declares, unless the class does."""
    declared = {function.name for function in record.functions}
    return [
        f"virtual {_signature(function, f'{function.name}_Implementation')};"
        for function in record.functions
        if function.macro
        and function.macro.has("BlueprintNativeEvent")
        and f"{function.name}_Implementation" not in declared
    ]


def _signature(function: Function, name: str) -> str:
    parameters = ", ".join(f"{parameter.type} {parameter.name}" for parameter in function.parameters)
    const = " const" if "const" in function.after else ""
    return f"{function.returns or 'void'} {name}({parameters}){const}"


def _class_source(record: Class) -> list[str]:
    name = record.name
    lines = [f"UClass* {name}::StaticClass() {{ return nullptr; }}"]
    if not _has_constructor(record):
        initializer = "const FObjectInitializer& ObjectInitializer"
        lines.append(f"{name}::{name}({initializer}) : Super(ObjectInitializer) {{}}")
    for function in record.functions:
        if function.macro:
            lines.append(f"void {name}::exec{function.name}(UObject* Object) {{ {_call(record, function)} }}")
            if function.macro.has(*EVENTS):
                result = f"return {function.returns}();" if function.returns else ""
                lines.append(f"{_signature(function, f'{name}::{function.name}')} {{ {result} }}")
    return lines


def _call(record: Class, function: Function) -> str:
    """Calls the function as the engine's thunk does, which must compile and link, private or not."""
    declared = []
    for index, parameter in enumerate(function.parameters):
        plain = str(parameter.type).rstrip("&")
        value = plain if parameter.type.pointers else plain.removeprefix("const ")
        declared.append(f"{value} A{index}{{}};")
    static = "static" in function.before
    target = f"{record.name}::" if static else f"static_cast<{record.name}*>(Object)->"
    arguments = ", ".join(f"A{index}" for index in range(len(function.parameters)))
    return f"(void)Object; {' '.join(declared)} {target}{function.name}({arguments});"
