# SPDX-License-Identifier: Apache-2.0
"""Rules for members that hold values."""

from __future__ import annotations

from collections.abc import Iterator

from unreal_check.declarations import Class, Header, Macro, Property
from unreal_check.exposable import OBJECT_HOLDERS
from unreal_check.findings import Finding
from unreal_check.layer import Layer
from unreal_check.rules_classes import check_macro, is_object_class
from unreal_check.vocabulary import EDITED, SHOWN

_READ = ("BlueprintReadOnly", "BlueprintReadWrite", "BlueprintGetter", "BlueprintSetter")


def check_properties(layer: Layer) -> Iterator[Finding]:
    for _, header, record in layer.classes():
        for member in record.properties:
            if member.macro is None:
                if record.macro and not member.static:
                    yield from _unreflected(layer, header, record, member)
                continue
            if member.macro.name != "UPROPERTY":
                message = f"{member.macro.name} stands before a property"
                yield Finding(header.path, member.line, "specifier", message)
                continue
            yield from check_macro(header, member.macro)
            for rule, message in _problems(layer, record, member, member.macro):
                where = f"{record.name}::{member.name}: {message}"
                yield Finding(header.path, member.line, rule, where)


def _unreflected(layer: Layer, header: Header, record: Class, member: Property) -> Iterator[Finding]:
    """Members that the garbage collector would not see."""
    for kind in (member.type, *member.type.arguments):
        raw = kind.pointers == 1 and is_object_class(kind.name) and kind.name not in layer.types.structs
        if raw or kind.name in OBJECT_HOLDERS - {"TWeakObjectPtr", "TSoftObjectPtr", "TSoftClassPtr"}:
            where = f"{record.name}::{member.name} holds an object without UPROPERTY"
            message = f"{where}: it would be collected; or use TWeakObjectPtr"
            yield Finding(header.path, member.line, "object-property", message)
            return


def _problems(layer: Layer, record: Class, member: Property, macro: Macro) -> Iterator[tuple[str, str]]:
    yield from _type(layer, record, member, macro)
    yield from _visibility(member, macro)
    yield from _delegate(layer, member, macro)
    yield from _metadata(layer, record, macro)
    if record.kind == "UCLASS" and macro.has("Config", "GlobalConfig") and not _configured(layer, record):
        yield "config", "Config needs UCLASS(Config = ...)"


def _type(layer: Layer, record: Class, member: Property, macro: Macro) -> Iterator[tuple[str, str]]:
    if member.static:
        yield "property-type", "a property cannot be static"
    if member.bits:
        if member.type.name not in {"uint8", "uint32", "bool"} or member.bits != "1":
            yield "property-type", "a bit field is uint8 bName : 1"
    else:
        problem = layer.types.problem(member.type, blueprint=macro.has(*_READ))
        if problem:
            yield "property-type", problem
    if member.array and macro.has(*_READ):
        yield "property-type", "Blueprint has no fixed arrays: use TArray"
    if member.type.pointers and is_object_class(member.type.name) and record.kind != "plain":
        yield "object-pointer", f"members hold objects as TObjectPtr<{member.type.name}>"


def _visibility(member: Property, macro: Macro) -> Iterator[tuple[str, str]]:
    if len([name for name in EDITED if macro.has(name)]) > 1:
        yield "specifier", f"only one of {', '.join(EDITED)}"
    if macro.has("BlueprintReadOnly") and macro.has("BlueprintReadWrite"):
        yield "specifier", "BlueprintReadOnly and BlueprintReadWrite at once"
    allowed = macro.affirms("AllowPrivateAccess")
    if member.access == "private" and macro.has(*_READ, "BlueprintAssignable") and not allowed:
        fix = 'make it public, or meta = (AllowPrivateAccess = "true")'
        yield "private-access", f"Blueprint sees no private members: {fix}"
    if macro.has(*SHOWN) and not macro.category:
        yield "category", "needs a Category"


def _delegate(layer: Layer, member: Property, macro: Macro) -> Iterator[tuple[str, str]]:
    multicast = layer.types.delegates.get(member.type.name)
    if macro.has("BlueprintAssignable", "BlueprintCallable") and multicast is not True:
        yield "assignable", f"BlueprintAssignable is for dynamic multicast delegates; {member.type} is none"
    if multicast is True and macro.has("BlueprintReadOnly", "BlueprintReadWrite", *EDITED):
        yield "assignable", "a multicast delegate is BlueprintAssignable, not read, written or edited"


def _metadata(layer: Layer, record: Class, macro: Macro) -> Iterator[tuple[str, str]]:
    condition = macro.meta.get("editcondition", "").lstrip("!")
    known = {other.name for parent in layer.lineage(record.name) for other in parent.properties}
    if condition.isidentifier() and condition not in known:
        yield "metadata-name", f"EditCondition names {condition}, which is no property here"
    for bound in ("clampmin", "clampmax", "uimin", "uimax"):
        if bound in macro.meta and not _is_number(macro.meta[bound]):
            yield "metadata", f"{bound} = {macro.meta[bound]!r} is no number"


def _configured(layer: Layer, record: Class) -> bool:
    return any(parent.macro and parent.macro.has("Config") for parent in layer.lineage(record.name))


def _is_number(text: str) -> bool:
    try:
        float(text.rstrip("f"))
    except ValueError:
        return False
    return True
