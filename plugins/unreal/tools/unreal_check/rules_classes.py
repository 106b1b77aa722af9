# SPDX-License-Identifier: Apache-2.0
"""Rules for classes, structs, interfaces and enums."""

from __future__ import annotations

from collections.abc import Iterator

from unreal_check.declarations import Class, Enum, Header, Macro
from unreal_check.findings import Finding
from unreal_check.layer import Layer, Module
from unreal_check.vocabulary import API_PREFIX, COMMON, METADATA, SPECIFIERS


def check_classes(layer: Layer) -> Iterator[Finding]:
    for module, header, record in layer.classes():
        if record.macro is None:
            yield from _not_reflected(header, record)
            continue
        yield from check_macro(header, record.macro)
        yield from _name(layer, header, record, record.macro)
        yield from _bases(layer, header, record, record.macro)
        yield from _export(module, header, record, record.macro)
        yield from _members(header, record, record.macro)
    for _, header in layer.headers():
        for enum in header.enums:
            if enum.macro:
                yield from _enum(header, enum, enum.macro)


def check_macro(header: Header, macro: Macro) -> Iterator[Finding]:
    """Specifiers and metadata that exist."""
    for problem in macro.problems:
        yield Finding(header.path, macro.line, "specifier", f"{macro.name}: {problem}")
    for name in macro.specifiers:
        if name not in SPECIFIERS[macro.name] | COMMON:
            hint = "; it is metadata: meta = (...)" if name in METADATA.get(macro.name, ()) else ""
            yield Finding(header.path, macro.line, "specifier", f"{macro.name} has no specifier {name}{hint}")
    for name in macro.meta:
        if name not in METADATA.get(macro.name, frozenset()) and not name.startswith("cpp_default_"):
            hint = "; it is a specifier" if name in SPECIFIERS[macro.name] else ""
            yield Finding(header.path, macro.line, "metadata", f"{macro.name} has no metadata {name}{hint}")


def is_object_class(name: str) -> bool:
    """Whether the name is one of a UObject class, by its prefix."""
    return name[:1] in {"U", "A"} and name[1:2].isupper()


def _not_reflected(header: Header, record: Class) -> Iterator[Finding]:
    if record.kind == "IINTERFACE":
        return
    for member in (*record.properties, *record.functions):
        if member.macro:
            message = f"{member.macro.name} in {record.name}, which has no UCLASS or USTRUCT"
            yield Finding(header.path, member.line, "not-reflected", message)
    if record.body_macro:
        message = f"{record.name} has {record.body_macro}() without UCLASS or USTRUCT"
        yield Finding(header.path, record.line, "not-reflected", message)


def _name(layer: Layer, header: Header, record: Class, macro: Macro) -> Iterator[Finding]:
    wanted = "struct" if macro.name == "USTRUCT" else "class"
    if record.keyword != wanted:
        message = f"{macro.name} stands before a {wanted}, not a {record.keyword}"
        yield Finding(header.path, record.line, "keyword", message)
    prefix = API_PREFIX[macro.name]
    if macro.name == "UCLASS" and layer.descends(record.name, "AActor"):
        prefix = "A"
    if record.name[:1] != prefix or not record.name[1:2].isupper():
        message = f"{record.name} must begin with {prefix}: the engine finds it by that letter"
        yield Finding(header.path, record.line, "prefix", message)
    if record.body_macro != "GENERATED_BODY":
        old = f" instead of the old {record.body_macro}()" if record.body_macro else ", first in its body"
        yield Finding(
            header.path, record.line, "generated-body", f"{record.name} needs GENERATED_BODY(){old}"
        )


def _bases(layer: Layer, header: Header, record: Class, macro: Macro) -> Iterator[Finding]:
    objects = [base for base in record.bases if is_object_class(base)]
    if macro.name == "UCLASS" and not objects:
        message = f"{record.name} must derive from UObject or a class of it"
        yield Finding(header.path, record.line, "base", message)
    if macro.name == "UCLASS" and len(objects) > 1:
        message = f"{record.name}: one UObject base only, the others must be interfaces"
        yield Finding(header.path, record.line, "base", message)
    if macro.name == "UINTERFACE":
        if record.bases != ["UInterface"]:
            yield Finding(header.path, record.line, "base", f"{record.name} must derive from UInterface")
        if f"I{record.name[1:]}" not in layer.by_name():
            message = f"{record.name} needs its other half, class I{record.name[1:]}"
            yield Finding(header.path, record.line, "base", message)


def _export(module: Module, header: Header, record: Class, macro: Macro) -> Iterator[Finding]:
    """Public classes are exported from their module, or other modules do not link."""
    if "Public" not in header.path.relative_to(module.folder).parts:
        return
    if macro.name != "USTRUCT" and record.api is None and not macro.has("MinimalAPI"):
        message = f"{record.name} is public: class {module.api} {record.name}"
        yield Finding(header.path, record.line, "api-macro", message)
    if record.api and record.api != module.api:
        message = f"{record.name} has {record.api}, but belongs to {module.name}: {module.api}"
        yield Finding(header.path, record.line, "api-macro", message)


def _members(header: Header, record: Class, macro: Macro) -> Iterator[Finding]:
    if macro.has("DefaultConfig") and not macro.specifiers.get("config"):
        message = f"{record.name}: DefaultConfig needs Config = Game (or another file)"
        yield Finding(header.path, record.line, "config", message)
    reflected = [member for member in (*record.properties, *record.functions) if member.macro]
    names = [member.name.lower() for member in reflected]
    for member in reflected:
        if names.count(member.name.lower()) > 1:
            message = f"{record.name}::{member.name} is there more than once: reflection has no overloads"
            yield Finding(header.path, member.line, "one-name", message)
    if "UBlueprintFunctionLibrary" in record.bases:
        for function in record.functions:
            if function.macro and "static" not in function.before:
                message = f"{record.name}::{function.name} must be static, as all of a function library"
                yield Finding(header.path, function.line, "library-static", message)


def _enum(header: Header, enum: Enum, macro: Macro) -> Iterator[Finding]:
    yield from check_macro(header, macro)
    for value in enum.values:
        if value.meta:
            yield from check_macro(header, value.meta)
    if not enum.name.startswith("E") or not enum.name[1:2].isupper():
        yield Finding(header.path, enum.line, "prefix", f"{enum.name} must begin with E")
    if not enum.scoped:
        message = f"{enum.name} must be enum class {enum.name} : uint8"
        yield Finding(header.path, enum.line, "enum", message)
    if macro.has("BlueprintType") and enum.underlying != "uint8":
        message = f"{enum.name} : {enum.underlying or 'int'}: Blueprint enums are uint8"
        yield Finding(header.path, enum.line, "enum", message)
    if not enum.values or len(enum.values) > 255:
        yield Finding(header.path, enum.line, "enum", f"{enum.name} needs 1 to 255 values")
