# SPDX-License-Identifier: Apache-2.0
"""The reference of Blueprint nodes, written from the headers' comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unreal_check.cpp_types import CppType
from unreal_check.declarations import Class, Enum, Function, Header, Macro, Property
from unreal_check.findings import Finding
from unreal_check.layer import Layer
from unreal_check.rules_functions import ASYNC_BASES
from unreal_check.vocabulary import CALLED, EDITED

BEGIN = "<!-- made by plugins/unreal/tools/check.py --write-nodes; do not edit below -->"
_TYPES = {
    "FString": "String",
    "FName": "Name",
    "FText": "Text",
    "bool": "Boolean",
    "uint8": "Byte",
    "int32": "Integer",
    "int64": "Integer64",
    "float": "Float",
    "double": "Float",
    "FDirectoryPath": "Directory",
    "FFilePath": "File",
}


@dataclass(slots=True)
class Comment:
    """A comment's text, and what it says of parameters and the result."""

    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    result: str = ""


def read_comment(raw: str) -> Comment:
    """Takes the last comment of several: the one that stands directly before the declaration."""
    blocks = re.findall(r"/\*.*?\*/|(?://[^\n]*\n?)+", raw, re.DOTALL)
    if not blocks:
        return Comment()
    lines = [
        re.sub(r"^\s*(/\*+|\*+/|\*|//[/!~]*)?\s?|\s*\*+/\s*$", "", line) for line in blocks[-1].splitlines()
    ]
    comment, into = Comment(), ""
    for line in (line.strip() for line in lines):
        match = re.match(r"@(param|return)\s*(.*)", line)
        if match and match[1] == "param":
            into, _, text = match[2].partition(" ")
            comment.parameters[into] = text.strip()
        elif match:
            into, comment.result = "@return", match[2].strip()
        elif into == "@return":
            comment.result = f"{comment.result} {line}".strip()
        elif into:
            comment.parameters[into] = f"{comment.parameters[into]} {line}".strip()
        else:
            comment.text += f"{line}\n" if line else "\n"
    comment.text = re.sub(r"(?<=\S)\n(?=\S)", " ", comment.text).strip()
    return comment


def undocumented(layer: Layer) -> list[Finding]:
    """What Blueprint or the editor shows and no comment explains."""
    found = []
    for _, header, record in layer.classes():
        for member in (*record.functions, *record.properties):
            shown = member.macro and member.macro.has(
                *CALLED, *EDITED, "BlueprintReadOnly", "BlueprintReadWrite", "BlueprintAssignable"
            )
            if shown and not read_comment(member.doc).text:
                message = f"{record.name}::{member.name} is shown to users and has no comment"
                found.append(Finding(header.path, member.line, "documented", message))
    return found


def write_reference(layer: Layer, page: Path) -> bool:
    """Renews the page below its mark; whether it changed. Raises `ValueError` without a mark."""
    text = page.read_text(encoding="utf-8")
    head, mark, _ = text.partition(BEGIN)
    if not mark:
        raise ValueError(f"{page} has no line {BEGIN}")
    fresh = f"{head}{BEGIN}\n\n{reference(layer)}"
    if fresh != text:
        page.write_text(fresh, encoding="utf-8")
    return fresh != text


def reference(layer: Layer) -> str:
    """Markdown: the classes with their nodes, then the structs and enums that they use."""
    parts: list[str] = []
    for _, header in sorted(layer.headers(), key=lambda pair: _order(pair[1], pair[0].name)):
        for record in header.classes:
            if record.kind in {"UCLASS", "USTRUCT"}:
                parts += _class(layer, record)
        for enum in header.enums:
            if enum.macro and enum.macro.has("BlueprintType"):
                parts += _enum(enum)
    return "\n".join(parts).rstrip() + "\n"


def _order(header: Header, module: str) -> tuple[bool, bool, bool, str]:
    name = header.path.stem
    return name.endswith("Types"), module.endswith("Editor"), not name.endswith("Subsystem"), name


def _class(layer: Layer, record: Class) -> Iterator[str]:
    latent = any(base in record.bases for base in ASYNC_BASES)
    body: list[str] = []
    for function in record.functions:
        if function.macro and function.macro.has(*CALLED):
            body += _function(record, function, latent=latent)
    pins = [
        member for member in record.properties if member.macro and member.macro.has("BlueprintAssignable")
    ]
    if pins:
        body += ["**Output pins**" if latent else "**Events**", ""]
        body += [f"* **{spaced(pin.name)}**{_outputs(layer, pin)}: {_line(pin.doc)}" for pin in pins] + [""]
    shown = [member for member in record.properties if member.macro and _is_shown(member.macro)]
    if shown:
        body += ["| | | |", "|---|---|---|"]
        for member in shown:
            default = (
                f" Default: `{_value(member.default)}`." if member.default not in {None, "TEXT()"} else ""
            )
            body.append(
                f"| **{spaced(member.name)}** | {pin_type(member.type)} | {_line(member.doc)}{default} |"
            )
        body.append("")
    if body:
        comment = read_comment(record.doc)
        heading = _heading(record, latent=latent)
        yield from [f"## {heading}", "", *([comment.text, ""] if comment.text else []), *body]


def _is_shown(macro: Macro) -> bool:
    return macro.has(*EDITED, "BlueprintReadOnly", "BlueprintReadWrite")


def _heading(record: Class, *, latent: bool) -> str:
    macro = record.macro
    name = (macro.meta.get("displayname") if macro else None) or spaced(record.name[1:])
    kind = "struct" if record.kind == "USTRUCT" else record.bases[0][1:] if record.bases else "Object"
    return f"{name} ({'latent node' if latent else spaced(kind).lower()})"


def _function(record: Class, function: Function, *, latent: bool) -> list[str]:
    macro = function.macro
    assert macro is not None
    comment = read_comment(function.doc)
    context = macro.meta.get("worldcontext", "")
    inputs = [p for p in function.parameters if p.name != context and (p.type.const or not p.type.references)]
    outputs = [p for p in function.parameters if p.type.references and not p.type.const]
    results = [f"{spaced(p.name)}: {pin_type(p.type)}" for p in outputs]
    if function.returns is not None and not latent:
        results.append(pin_type(function.returns))
    name = macro.meta.get("displayname") or spaced(function.name)
    given = ", ".join(f"{spaced(p.name)}: {pin_type(p.type)}{_default(p.default)}" for p in inputs)
    arrow = f" → {', '.join(results)}" if results else ""
    pure = ", pure" if macro.has("BlueprintPure") else ""
    lines = [
        f"### {name}",
        "",
        f"`{record.name}::{function.name}`{pure} ({given}){arrow}",
        "",
        comment.text,
        "",
    ]
    notes = [f"* {spaced(key)}: {_cell(text)}" for key, text in comment.parameters.items()]
    notes += [f"* Result: {_cell(comment.result)}"] if comment.result else []
    return [*lines, *notes, ""] if notes else lines


def _outputs(layer: Layer, pin: Property) -> str:
    for _, delegate in layer.delegates():
        if delegate.name == pin.type.name and delegate.parameters:
            inner = ", ".join(f"{spaced(p.name)}: {pin_type(p.type)}" for p in delegate.parameters)
            return f" ({inner})"
    return ""


def _enum(enum: Enum) -> list[str]:
    lines = [f"## {spaced(enum.name[1:])} (enum)", "", read_comment(enum.doc).text, ""]
    shown = [value for value in enum.values if value.meta is None or "hidden" not in value.meta.meta]
    return [*lines, *(f"* **{spaced(value.name)}**: {_line(value.doc)}" for value in shown), ""]


def spaced(name: str) -> str:
    """A name as the editor shows it: `bFromStart` is From Start."""
    name = re.sub(r"^b(?=[A-Z])", "", name)
    name = re.sub(r"ShotStream", "Shotstream", name)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[A-Z]?", name)
    return " ".join(words).replace("Shotstream", "ShotStream")


def pin_type(kind: CppType) -> str:
    """A type as a Blueprint pin is called."""
    inner = [pin_type(argument) for argument in kind.arguments]
    if kind.name == "TArray":
        return f"Array of {inner[0]}"
    if kind.name == "TMap":
        return f"Map of {inner[0]} to {inner[1]}"
    if kind.name in {"TObjectPtr", "TSoftObjectPtr", "TSubclassOf", "TWeakObjectPtr"}:
        return inner[0]
    return _TYPES.get(kind.name) or spaced(kind.name[1:])


def _default(default: str | None) -> str:
    return f" = {_value(default)}" if default is not None else ""


def _value(default: str | None) -> str:
    text = re.sub(r'^TEXT\("(.*)"\)$', r"\1", default or "")
    return (
        re.sub(r"^\w+::", "", text).removesuffix("f")
        if re.fullmatch(r"[\d.]+f", text)
        else re.sub(r"^E\w+::", "", text)
    )


def _line(raw: str) -> str:
    return _cell(read_comment(raw).text)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
