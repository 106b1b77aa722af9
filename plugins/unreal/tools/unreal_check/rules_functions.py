# SPDX-License-Identifier: Apache-2.0
"""Rules for functions that the engine calls by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unreal_check.declarations import Class, Function, Header, Macro
from unreal_check.exposable import CONTAINERS, DEFAULTED_STRUCTS
from unreal_check.findings import Finding
from unreal_check.function_bodies import function_bodies
from unreal_check.layer import Layer
from unreal_check.rules_classes import check_macro
from unreal_check.vocabulary import CALLED, EVENTS

_NAMES_PARAMETERS = (
    "worldcontext",
    "hidepin",
    "defaulttoself",
    "internaluseparam",
    "autocreaterefterm",
    "latentinfo",
    "expandenumasexecs",
    "expandboolasexecs",
    "determinesoutputtype",
    "dynamicoutputparam",
)
ASYNC_BASES = ("UBlueprintAsyncActionBase", "UCancellableAsyncAction")
# What may be, or belong to, an object of a level.
_OF_A_LEVEL = ("UObject", "UWorld", "ULevel", "AActor", "UActorComponent")


def check_functions(layer: Layer) -> Iterator[Finding]:
    for _, header, record in layer.classes():
        for function in record.functions:
            if function.macro:
                yield from _function(layer, header, record, function)
        yield from _overrides(header, record)
        if any(base in record.bases for base in ASYNC_BASES):
            yield from _async_action(layer, header, record)


def _function(layer: Layer, header: Header, record: Class, function: Function) -> Iterator[Finding]:
    macro = function.macro
    assert macro is not None

    def finding(rule: str, message: str) -> Finding:
        return Finding(header.path, function.line, rule, f"{record.name}::{function.name}: {message}")

    if macro.name != "UFUNCTION":
        yield finding("specifier", f"{macro.name} stands before a function")
        return
    yield from check_macro(header, macro)
    blueprint = macro.has(*CALLED, *EVENTS)
    shown = blueprint and not _internal(macro)
    if record.kind == "USTRUCT":
        yield finding("not-reflected", "structs have no UFUNCTIONs")
    if shown and not macro.category:
        yield finding("category", "needs a Category")
    if function.access == "private" and macro.has(*CALLED) and not macro.affirms("AllowPrivateAccess"):
        yield finding("private-access", "Blueprint calls no private functions: make it public")
    if macro.has("CallInEditor") and function.parameters:
        yield finding("specifier", "CallInEditor has no parameters")
    if function.name.startswith("operator") or "constructor" in function.before:
        yield finding("not-reflected", "constructors and operators are not reflected")
    if macro.has("BlueprintPure"):
        outputs = [p for p in function.parameters if p.type.references and not p.type.const]
        if function.returns is None and not outputs:
            yield finding(
                "pure", "BlueprintPure gives nothing back: it needs a result or an output reference"
            )
    yield from _types(layer, header, record, function, blueprint=blueprint)
    yield from _events(layer, header, record, function)
    yield from _named_parameters(header, record, function)
    if (
        "static" in function.before
        and function.parameters
        and macro.has("BlueprintCallable", "BlueprintPure")
    ):
        first = function.parameters[0]
        if (
            first.type.name == "UObject"
            and "world" in first.name.lower()
            and "worldcontext" not in macro.meta
        ):
            yield finding("world-context", f'needs meta = (WorldContext = "{first.name}")')


def _internal(macro: Macro) -> bool:
    return macro.affirms("BlueprintInternalUseOnly") or macro.has("BlueprintInternalUseOnly")


def _types(
    layer: Layer, header: Header, record: Class, function: Function, *, blueprint: bool
) -> Iterator[Finding]:
    def finding(rule: str, message: str) -> Finding:
        return Finding(header.path, function.line, rule, f"{record.name}::{function.name}: {message}")

    properties = {
        member.name for parent in layer.lineage(record.name) for member in parent.properties if member.macro
    }
    if function.returns is not None:
        problem = layer.types.problem(function.returns, blueprint=blueprint, parameter=True)
        if problem:
            yield finding("function-type", f"returns {problem}")
    for parameter in function.parameters:
        if not parameter.name:
            yield finding("function-type", f"a parameter ({parameter.type}) has no name")
        if parameter.uparam:
            yield from check_macro(header, parameter.uparam)
        problem = layer.types.problem(parameter.type, blueprint=blueprint, parameter=True)
        if problem:
            yield finding("function-type", f"{parameter.name}: {problem}")
        if parameter.name in properties:
            yield finding("shadowing", f"parameter {parameter.name} hides the property of that name")
        if parameter.default is not None and not _default_parses(
            layer, parameter.type.name, parameter.default
        ):
            yield finding(
                "default", f"{parameter.name} = {parameter.default}: the header tool cannot read this default"
            )


def _default_parses(layer: Layer, name: str, default: str) -> bool:
    if name in CONTAINERS or name in layer.types.structs:
        return False
    if name in {"FString", "FName"}:
        return bool(re.fullmatch(r'(TEXT\()?"[^"]*"\)?|FString\(\)|FName\(\)|NAME_None', default))
    if name == "FText":
        return bool(
            re.fullmatch(r'FText::GetEmpty\(\)|INVTEXT\(".*"\)|(NS)?LOCTEXT\(.*\)|FText\(\)', default)
        )
    if name in layer.types.enums:
        return bool(re.fullmatch(rf"{name}::\w+", default))
    if name[:1] == "F" and name[1:2].isupper():
        return name in DEFAULTED_STRUCTS or (default == f"{name}()" and name == "FGameplayTag")
    return bool(
        re.fullmatch(r"-?[\d.]+(f|e-?\d+)?|true|false|nullptr|NULL|INDEX_NONE|MAX_\w+|\w+::\w+", default)
    )


def _events(layer: Layer, header: Header, record: Class, function: Function) -> Iterator[Finding]:
    macro = function.macro
    assert macro is not None
    native = macro.has("BlueprintNativeEvent")
    event = native or macro.has("BlueprintImplementableEvent")

    def finding(message: str) -> Finding:
        return Finding(header.path, function.line, "event", f"{record.name}::{function.name}: {message}")

    if not event:
        return
    if native and macro.has("BlueprintImplementableEvent"):
        yield finding("BlueprintNativeEvent and BlueprintImplementableEvent at once")
    if "static" in function.before:
        yield finding("an event cannot be static")
    if "virtual" in function.before:
        yield finding("an event is not virtual; its _Implementation is")
    if function.body:
        yield finding("an event has no body here: the header tool writes it")
    if function.access == "private" and not macro.affirms("AllowPrivateAccess"):
        yield finding("Blueprint implements no private events")
    implementation = f"{function.name}_Implementation"
    inline = any(other.name == implementation and other.body for other in record.functions)
    if (
        native
        and not inline
        and record.kind != "IINTERFACE"
        and not _defines(layer, record.name, implementation)
    ):
        yield finding(f"{record.name}::{implementation} is missing")
    if _defines(layer, record.name, function.name):
        yield finding("the header tool writes this function: define _Implementation instead, or nothing")


def _defines(layer: Layer, owner: str, name: str) -> bool:
    return any(
        (body.owner, body.name) == (owner, name)
        for module in layer.modules
        for source in module.sources.values()
        for body in function_bodies(source.tokens)
    )


def _named_parameters(header: Header, record: Class, function: Function) -> Iterator[Finding]:
    macro = function.macro
    assert macro is not None
    names = {parameter.name for parameter in function.parameters} | {"ReturnValue"}
    for key in _NAMES_PARAMETERS:
        for name in re.split(r"[,|]", macro.meta.get(key, "")):
            if name.strip() and name.strip() not in names:
                message = f"{record.name}::{function.name}: {key} names {name.strip()}, which is no parameter"
                yield Finding(header.path, function.line, "metadata-name", message)
    for name in re.split(r",", macro.meta.get("advanceddisplay", "")):
        if name.strip() and not name.strip().isdigit() and name.strip() not in names:
            message = (
                f"{record.name}::{function.name}: AdvancedDisplay names {name.strip()}, which is no parameter"
            )
            yield Finding(header.path, function.line, "metadata-name", message)
    if "latent" in macro.meta:
        kinds = {parameter.name: parameter.type.name for parameter in function.parameters}
        if kinds.get(macro.meta.get("latentinfo", "")) != "FLatentActionInfo":
            message = (
                f'{record.name}::{function.name}: Latent needs LatentInfo = "..." naming an FLatentActionInfo'
            )
            yield Finding(header.path, function.line, "metadata-name", message)


def _overrides(header: Header, record: Class) -> Iterator[Finding]:
    for function in record.functions:
        if function.macro and "override" in function.after:
            message = f"{record.name}::{function.name}: an override inherits its UFUNCTION; remove it here"
            yield Finding(header.path, function.line, "override", message)
        if "virtual" not in function.before and "override" in function.after:
            message = f"{record.name}::{function.name}: virtual ... override, as elsewhere"
            yield Finding(header.path, function.line, "override", message)


def _async_action(layer: Layer, header: Header, record: Class) -> Iterator[Finding]:
    """A latent node: a factory, Activate, delegates as pins, registered until it is ready to go."""

    def finding(message: str, line: int = 0) -> Finding:
        return Finding(header.path, line or record.line, "async-action", f"{record.name}: {message}")

    factories = [f for f in record.functions if f.macro and "static" in f.before and f.returns is not None]
    if not factories:
        yield finding("has no static UFUNCTION that makes it: Blueprint shows no node")
    for factory in factories:
        assert factory.macro is not None and factory.returns is not None  # noqa: PT018 - as filtered above
        if factory.returns.name != record.name or factory.returns.pointers != 1:
            yield finding(f"{factory.name} must return {record.name}*", factory.line)
        if not factory.macro.has("BlueprintCallable"):
            yield finding(f"{factory.name} must be BlueprintCallable", factory.line)
        if not _internal(factory.macro):
            yield finding(
                f'{factory.name} needs meta = (BlueprintInternalUseOnly = "true"), or there are two nodes',
                factory.line,
            )
        if "worldcontext" not in factory.macro.meta:
            yield finding(
                f"{factory.name} needs a world context: the game instance comes from it", factory.line
            )
    for member in record.properties:
        kept = [kind.name for kind in (member.type, *member.type.arguments) if kind.name in _OF_A_LEVEL]
        if kept and member.type.name != "TWeakObjectPtr":
            yield finding(
                f"{member.name} keeps a {kept[0]}, and its level with it when the game goes to another: take "
                "what is needed of it at once, or hold it as TWeakObjectPtr",
                member.line,
            )
    pins = [p for p in record.properties if p.macro and p.macro.has("BlueprintAssignable")]
    if not pins:
        yield finding("has no BlueprintAssignable delegate: the node has no output pin")
    if len({_delegate_parameters(layer, pin.type.name) for pin in pins}) > 1:
        yield finding(
            "its pins' delegates differ: the node takes the outputs of the first and leaves the others' away"
        )
    if not any(function.name == "Activate" and "override" in function.after for function in record.functions):
        yield finding("does not override Activate")
    words = {
        token.text
        for module in layer.modules
        for source in module.sources.values()
        if any(t.text == record.name for t in source.tokens)
        for token in source.tokens
    }
    for needed in ("RegisterWithGameInstance", "SetReadyToDestroy"):
        if words and needed not in words:
            yield finding(f"never calls {needed}: it would be collected while it runs, or never")


def _delegate_parameters(layer: Layer, delegate: str) -> tuple[tuple[str, str], ...]:
    for _, found in layer.delegates():
        if found.name == delegate:
            return tuple((str(p.type), p.name) for p in found.parameters)
    return ()
