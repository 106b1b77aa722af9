# SPDX-License-Identifier: Apache-2.0
"""Rules for classes, structs, enums and their properties."""

from __future__ import annotations

from collections.abc import Iterator

from unreal_check.declarations import Class, Enum, Header, Macro, Property
from unreal_check.exposable import OBJECT_HOLDERS
from unreal_check.findings import Finding
from unreal_check.layer import Layer, Module
from unreal_check.vocabulary import API_PREFIX, EDITED, METADATA, SHOWN, SPECIFIERS


def check_classes(layer: Layer) -> Iterator[Finding]:
    for module, header, record in layer.classes():
        yield from _class(layer, module, header, record)
        for member in record.properties:
            yield from _property(layer, header, record, member)
    for _, header in layer.headers():
        for enum in header.enums:
            yield from _enum(header, enum)


def check_macro(header: Header, macro: Macro) -> Iterator[Finding]:
    """Specifiers and metadata that exist."""
    for problem in macro.problems:
        yield Finding(header.path, macro.line, "specifier", f"{macro.name}: {problem}")
    for name in macro.specifiers:
        if name not in SPECIFIERS[macro.name]:
            hint = "; it is metadata: meta = (...)" if name in METADATA.get(macro.name, ()) else ""
            yield Finding(header.path, macro.line, "specifier", f"{macro.name} has no specifier {name}{hint}")
    for name in macro.meta:
        if name not in METADATA.get(macro.name, frozenset()) and not name.startswith("cpp_default_"):
            hint = "; it is a specifier" if name in SPECIFIERS[macro.name] else ""
            yield Finding(header.path, macro.line, "metadata", f"{macro.name} has no metadata {name}{hint}")


def _class(layer: Layer, module: Module, header: Header, record: Class) -> Iterator[Finding]:
    def finding(rule: str, message: str, line: int = 0) -> Finding:
        return Finding(header.path, line or record.line, rule, message)

    macro = record.macro
    if macro is None:
        for member in (*record.properties, *record.functions):
            if member.macro and record.kind != "IINTERFACE":
                yield finding("not-reflected", f"{member.macro.name} in {record.name}, which has no UCLASS or USTRUCT", member.line)
        if record.body_macro and record.kind == "plain":
            yield finding("not-reflected", f"{record.name} has {record.body_macro}() without UCLASS or USTRUCT")
        return
    yield from check_macro(header, macro)
    wanted = "class" if macro.name in {"UCLASS", "UINTERFACE"} else "struct"
    if record.keyword != wanted:
        yield finding("keyword", f"{macro.name} stands before a {wanted}, not a {record.keyword}")
    prefixes = API_PREFIX[macro.name]
    actor = layer.descends(record.name, "AActor") or "AActor" in record.bases
    if macro.name == "UCLASS":
        prefixes = "A" if actor else "U"
    if record.name[:1] not in prefixes or not record.name[1:2].isupper():
        yield finding("prefix", f"{record.name} must begin with {prefixes[0]}: the engine finds it by that letter")
    if record.body_macro is None:
        yield finding("generated-body", f"{record.name} has no GENERATED_BODY()")
    elif record.body_macro != "GENERATED_BODY":
        yield finding("generated-body", f"{record.name}: GENERATED_BODY() instead of the old {record.body_macro}()")
    if macro.name == "UCLASS" and not record.bases:
        yield finding("base", f"{record.name} must derive from UObject or a class of it")
    if macro.name == "UCLASS" and len([base for base in record.bases if base[:1] in "UA" and base[1:2].isupper()]) > 1:
        yield finding("base", f"{record.name}: one UObject base only, the others must be interfaces")
    if macro.name == "UINTERFACE" and record.bases != ["UInterface"]:
        yield finding("base", f"{record.name} must derive from UInterface")
    if macro.name == "UINTERFACE" and f"I{record.name[1:]}" not in layer.by_name():
        yield finding("interface", f"{record.name} needs its other half, class I{record.name[1:]}")
    if "Public" in header.path.relative_to(module.folder).parts:
        if macro.name in {"UCLASS", "UINTERFACE"} and record.api != module.api and not macro.has("MinimalAPI"):
            yield finding("api-macro", f"{record.name} is public: class {module.api} {record.name}")
        if record.api and record.api != module.api:
            yield finding("api-macro", f"{record.name} has {record.api}, but belongs to {module.name}: {module.api}")
    if macro.has("DefaultConfig") and not macro.specifiers.get("config"):
        yield finding("config", f"{record.name}: DefaultConfig needs Config = Game (or another file)")
    if "UBlueprintFunctionLibrary" in record.bases:
        for function in record.functions:
            if function.macro and "static" not in function.before:
                yield finding("library-static", f"{record.name}::{function.name} must be static, as all of a function library", function.line)
    names = [member.name.lower() for member in (*record.properties, *record.functions) if member.macro]
    for member in (*record.properties, *record.functions):
        if member.macro and names.count(member.name.lower()) > 1:
            yield finding("one-name", f"{record.name}::{member.name} is there more than once: reflection has no overloads", member.line)


def _property(layer: Layer, header: Header, record: Class, member: Property) -> Iterator[Finding]:
    def finding(rule: str, message: str) -> Finding:
        return Finding(header.path, member.line, rule, f"{record.name}::{member.name}: {message}")

    macro = member.macro
    if macro is None:
        if record.macro and not member.static:
            yield from _unreflected(layer, header, record, member)
        return
    if macro.name != "UPROPERTY":
        yield finding("specifier", f"{macro.name} stands before a property")
        return
    yield from check_macro(header, macro)
    if member.static:
        yield finding("property-type", "a property cannot be static")
    blueprint = macro.has("BlueprintReadOnly", "BlueprintReadWrite", "BlueprintGetter", "BlueprintSetter")
    problem = None if member.bits else layer.types.problem(member.type, blueprint=blueprint)
    if problem:
        yield finding("property-type", problem)
    if member.bits and (member.type.name not in {"uint8", "uint32", "bool"} or member.bits != "1"):
        yield finding("property-type", "a bit field is uint8 bName : 1")
    if member.array and blueprint:
        yield finding("property-type", "Blueprint has no fixed arrays: use TArray")
    if member.type.name in layer.types.enums | {"uint8"} and macro.meta.get("bitmask") is None and member.bits:
        yield finding("property-type", "an enum cannot be a bit field")
    if member.type.pointers and record.kind != "plain" and not member.type.name.startswith("T"):
        yield finding("object-pointer", f"members hold objects as TObjectPtr<{member.type.name}>")
    if len([name for name in EDITED if macro.has(name)]) > 1:
        yield finding("specifier", f"only one of {', '.join(EDITED)}")
    if macro.has("BlueprintReadOnly") and macro.has("BlueprintReadWrite"):
        yield finding("specifier", "BlueprintReadOnly and BlueprintReadWrite at once")
    if member.access == "private" and (blueprint or macro.has("BlueprintAssignable")):
        if macro.meta.get("allowprivateaccess", "").lower() != "true":
            yield finding("private-access", 'Blueprint sees no private members: make it public, or meta = (AllowPrivateAccess = "true")')
    if macro.has(*SHOWN) and not macro.specifiers.get("category"):
        yield finding("category", "needs a Category")
    multicast = layer.types.delegates.get(member.type.name)
    if macro.has("BlueprintAssignable", "BlueprintCallable") and multicast is not True:
        yield finding("assignable", f"BlueprintAssignable is for dynamic multicast delegates, and {member.type} is none")
    if multicast is True and macro.has("BlueprintReadOnly", "BlueprintReadWrite", *EDITED):
        yield finding("assignable", "a multicast delegate is BlueprintAssignable, not read, written or edited")
    if macro.has("Config", "GlobalConfig") and not (record.macro and _configured(layer, record)):
        yield finding("config", "Config needs UCLASS(Config = ...)")
    edited = macro.meta.get("editcondition", "")
    for word in [edited] if edited.isidentifier() else []:
        if word not in {other.name for parent in layer.lineage(record.name) for other in parent.properties}:
            yield finding("metadata-name", f"EditCondition names {word}, which is no property here")
    for bound in ("clampmin", "clampmax", "uimin", "uimax"):
        if bound in macro.meta and not _number(macro.meta[bound]):
            yield finding("metadata", f"{bound} = {macro.meta[bound]!r} is no number")


def _unreflected(layer: Layer, header: Header, record: Class, member: Property) -> Iterator[Finding]:
    """Members that the garbage collector would not see."""
    held = [member.type, *member.type.arguments]
    for kind in held:
        raw = kind.pointers == 1 and kind.name[:1] in {"U", "A"} and kind.name[1:2].isupper()
        holder = kind.name in OBJECT_HOLDERS - {"TWeakObjectPtr", "TSoftObjectPtr", "TSoftClassPtr"}
        if (raw and kind.name not in layer.types.structs) or holder:
            message = f"{record.name}::{member.name} holds an object without UPROPERTY: it would be collected; or use TWeakObjectPtr"
            yield Finding(header.path, member.line, "object-property", message)
            return


def _configured(layer: Layer, record: Class) -> bool:
    return any(parent.macro and parent.macro.has("Config") for parent in layer.lineage(record.name)) or any(
        base in {"UDeveloperSettings"} for base in record.bases
    ) and bool(record.macro and record.macro.has("Config"))


def _enum(header: Header, enum: Enum) -> Iterator[Finding]:
    if enum.macro is None:
        return
    yield from check_macro(header, enum.macro)
    for value in enum.values:
        if value.meta:
            yield from check_macro(header, value.meta)
    if not enum.name.startswith("E") or not enum.name[1:2].isupper():
        yield Finding(header.path, enum.line, "prefix", f"{enum.name} must begin with E")
    if not enum.scoped:
        yield Finding(header.path, enum.line, "enum", f"{enum.name} must be enum class {enum.name} : uint8")
    if enum.macro.has("BlueprintType") and enum.underlying != "uint8":
        yield Finding(header.path, enum.line, "enum", f"{enum.name} : {enum.underlying or 'int'}: Blueprint enums are uint8")
    if len(enum.values) > 255:
        yield Finding(header.path, enum.line, "enum", f"{enum.name} has more values than uint8")


def _number(text: str) -> bool:
    try:
        float(text.rstrip("f"))
    except ValueError:
        return False
    return True
