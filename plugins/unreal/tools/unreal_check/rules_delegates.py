# SPDX-License-Identifier: Apache-2.0
"""Rules for delegates, and for what is bound to them in sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from unreal_check.cpp_tokens import Token, closing, split
from unreal_check.declarations import Delegate, Function, Header
from unreal_check.findings import Finding
from unreal_check.layer import Layer

_BINDERS = {"AddDynamic", "AddUniqueDynamic", "RemoveDynamic", "BindDynamic", "IsAlreadyBound"}


def check_delegates(layer: Layer) -> Iterator[Finding]:
    for header, delegate in layer.delegates():
        yield from _declaration(layer, header, delegate)
    for module in layer.modules:
        for header in module.headers:
            yield from _bindings(layer, header.path, header.tokens)
        for path, source in module.sources.items():
            yield from _bindings(layer, path, source.tokens)


def _declaration(layer: Layer, header: Header, delegate: Delegate) -> Iterator[Finding]:
    def finding(rule: str, message: str) -> Finding:
        return Finding(header.path, delegate.line, rule, f"{delegate.name}: {message}")

    if not delegate.name.startswith("F") or not delegate.name[1:2].isupper():
        yield finding("prefix", "a delegate's name begins with F")
    wanted = delegate.expected * (2 if delegate.dynamic else 1)
    if delegate.arguments != wanted:
        each = "type and name" if delegate.dynamic else "type"
        yield finding(
            "delegate-parameters",
            f"{delegate.macro}: {delegate.expected} parameters ({each}), but {delegate.arguments} entries",
        )
        return
    if not delegate.dynamic:
        return
    names = [parameter.name for parameter in delegate.parameters]
    if "" in names or len(set(names)) < len(names):
        yield finding("delegate-parameters", "each parameter needs its own name")
    for parameter in delegate.parameters:
        problem = layer.types.problem(parameter.type, blueprint=True, parameter=True)
        if problem:
            yield finding("delegate-type", f"{parameter.name}: {problem}")
        if parameter.type.references and not parameter.type.const:
            yield finding(
                "delegate-type", f"{parameter.name}: an event's values are const references or copies"
            )
        if parameter.type.name == "TMap" or len(parameter.type.arguments) > 1:
            yield finding(
                "delegate-type",
                f"{parameter.name}: the comma in {parameter.type} ends the macro's argument; use a struct",
            )


def _bindings(layer: Layer, path: Path, tokens: Sequence[Token]) -> Iterator[Finding]:
    for index, token in enumerate(tokens):
        if token.text not in _BINDERS or index + 1 >= len(tokens) or tokens[index + 1].text != "(":
            continue
        arguments = split(tokens[index + 2 : closing(tokens, index + 1)])
        if len(arguments) != 2:
            yield Finding(
                path, token.line, "bound-function", f"{token.text} takes an object and &Class::Function"
            )
            continue
        target = [part.text for part in arguments[1]]
        if len(target) != 4 or target[0] != "&" or target[2] != "::":
            yield Finding(
                path,
                token.line,
                "bound-function",
                f"{token.text}: &Class::Function, fully named; lambdas cannot be bound here",
            )
            continue
        owner, name = ("" if target[1] == "ThisClass" else target[1]), target[3]
        candidates = _functions(layer, owner, name)
        if owner and not layer.lineage(owner):
            continue  # a class of the engine
        if not candidates:
            yield Finding(
                path, token.line, "bound-function", f"{token.text}: there is no {target[1]}::{name}"
            )
        elif not any(function.macro for function in candidates):
            yield Finding(
                path,
                token.line,
                "bound-function",
                f"{target[1]}::{name} is bound to a dynamic delegate and must be a UFUNCTION()",
            )


def _functions(layer: Layer, owner: str, name: str) -> list[Function]:
    records = layer.lineage(owner) if owner else [record for _, _, record in layer.classes()]
    return [function for record in records for function in record.functions if function.name == name]
