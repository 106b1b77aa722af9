# SPDX-License-Identifier: Apache-2.0
"""Rules of this plugin: what makes comparable plugins crash, hang, hitch or leak is not written here.

Each rule names what it prevents. They are read from the tokens of functions' bodies, so that they see what is
written, and not what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from unreal_check.cpp_tokens import Token, closing
from unreal_check.findings import Finding
from unreal_check.function_bodies import Body, function_bodies
from unreal_check.layer import Layer

_SUPER = frozenset(
    {
        "BeginDestroy",
        "BeginPlay",
        "Deinitialize",
        "EndPlay",
        "Initialize",
        "OnRegister",
        "OnUnregister",
        "PostInitProperties",
        "PostLoad",
        "SetReadyToDestroy",
    }
)
"""Overrides without which the engine's part does not happen."""
_BINDING = {"AddDynamic": "RemoveDynamic", "AddUniqueDynamic": "RemoveDynamic"}


def check_conventions(layer: Layer) -> list[Finding]:
    """All rules over all sources."""
    findings: list[Finding] = []
    for module in layer.modules:
        for path, source in module.sources.items():
            bodies = list(function_bodies(source.tokens))
            if "Tests" not in path.parts:
                findings += _pairs(path, source.tokens)
                findings += _rendering(path, bodies, source.tokens)
                findings += _statics(path, source.tokens)
                findings += _waits(path, bodies)
            findings += _super_calls(path, bodies)
            findings += _ticking(path, source.tokens)
    findings += _commandlets(layer)
    return sorted(set(findings))


def _super_calls(path: Path, bodies: list[Body]) -> Iterator[Finding]:
    """A crash at end of play: the engine's own clean-up was left out."""
    for body in bodies:
        if body.owner[:1] in {"U", "A"} and body.name in _SUPER and not body.has("Super", "::", body.name):
            message = f"{body.owner}::{body.name} does not call Super::{body.name}"
            yield Finding(path, body.line, "super-call", message)


def _rendering(path: Path, bodies: list[Body], tokens: Sequence[Token]) -> Iterator[Finding]:
    """A hitch when a frame arrives, or a crash in the render thread."""
    for body in bodies:
        for token in body.tokens:
            if token.text == "FlushRenderingCommands":
                message = "FlushRenderingCommands stops the game until the graphics card is done"
                yield Finding(path, token.line, "no-flush", message)
            if token.text in {"UpdateResource", "CreateTransient"} and not body.name.startswith("Make"):
                message = (
                    f"{token.text} belongs into a function that makes a texture once (Make...), not per frame"
                )
                yield Finding(path, token.line, "texture-made-once", message)
    for index, token in enumerate(tokens):
        if token.text != "ENQUEUE_RENDER_COMMAND":
            continue
        opening = next((i for i in range(index, len(tokens)) if tokens[i].text == "["), None)
        if opening is None:
            continue
        captured = [item.text for item in tokens[opening + 1 : closing(tokens, opening)]]
        if "this" in captured or "&" in captured or captured[:1] == ["="]:
            message = "a render command outlives the call: capture what it needs by value and by name"
            yield Finding(path, token.line, "render-capture", message)


def _statics(path: Path, tokens: Sequence[Token]) -> Iterator[Finding]:
    """Two games in one editor mixed up, and state that Live Coding loses: nothing is static but constants."""
    for index, token in enumerate(tokens):
        if token.text not in {"static", "thread_local"}:
            continue
        words: list[str] = []
        for following in tokens[index + 1 :]:
            if following.text in {"(", ";", "=", "{"}:
                if following.text != "(" and not {"const", "constexpr", "static_assert"}.intersection(words):
                    message = f"static {' '.join(words)}: state belongs to a game instance"
                    yield Finding(path, token.line, "no-statics", message)
                break
            words.append(following.text)


def _waits(path: Path, bodies: list[Body]) -> Iterator[Finding]:
    """A hang at end of play or at editor exit: every wait has an end."""
    for body in bodies:
        texts = [token.text for token in body.tokens]
        for index, token in enumerate(body.tokens):
            called = texts[index + 1 : index + 2] == ["("]
            if token.text in {"Sleep", "SleepNoStats"} and called:
                yield Finding(
                    path, token.line, "bounded-wait", f"{token.text} makes a thread of the engine wait"
                )
            if token.text == "Wait" and texts[index + 1 : index + 3] == ["(", ")"]:
                yield Finding(path, token.line, "bounded-wait", "Wait() without a time waits for ever")
            if token.text == "WaitForCompletion" and called and "Wait" not in texts[:index]:
                message = "WaitForCompletion only after a Wait with a time has succeeded"
                yield Finding(path, token.line, "bounded-wait", message)
            if token.text == "Kill" and called:
                message = "Kill waits for the thread without a limit"
                yield Finding(path, token.line, "bounded-wait", message)


def _pairs(path: Path, tokens: Sequence[Token]) -> Iterator[Finding]:
    """A call into something that is gone: what is bound or added is also removed, in the same file."""
    texts = [token.text for token in tokens]
    for index, token in enumerate(tokens):
        if token.text in _BINDING and texts[index + 1] == "(":
            target = texts[index + 2 : closing(tokens, index + 1)]
            removed = _BINDING[token.text]
            places = [i for i, text in enumerate(texts) if text == removed]
            if not any(texts[i + 2 : i + 2 + len(target)] == target for i in places):
                message = f"{token.text}({' '.join(target)}) has no {removed}"
                yield Finding(path, token.line, "removed-again", message)
        if token.text == "AddTicker" and "RemoveTicker" not in texts:
            yield Finding(path, token.line, "removed-again", "AddTicker has no RemoveTicker")
        if token.text == "FCoreDelegates" and texts[index + 4 : index + 5] == ["AddUObject"]:
            name = texts[index + 2]
            if not any(
                texts[i : i + 5] == ["FCoreDelegates", "::", name, ".", "Remove"] for i in range(len(texts))
            ):
                yield Finding(path, token.line, "removed-again", f"FCoreDelegates::{name} has no Remove")
        if token.text == "RegisterStartupCallback" and "UnRegisterStartupCallback" not in texts:
            message = "RegisterStartupCallback has no UnRegisterStartupCallback"
            yield Finding(path, token.line, "removed-again", message)


def _ticking(path: Path, tokens: Sequence[Token]) -> Iterator[Finding]:
    """A cost in every frame for each actor: the subsystem's ticker is enough."""
    texts = [token.text for token in tokens]
    for index, token in enumerate(tokens):
        if token.text == "bCanEverTick" and texts[index + 1 : index + 3] == ["=", "true"]:
            yield Finding(
                path, token.line, "no-actor-tick", "components do not tick: use the subsystem's events"
            )


def _commandlets(layer: Layer) -> Iterator[Finding]:
    """A hang while cooking: subsystems and editor modules do nothing in commandlets."""
    for _, header, record in layer.classes():
        if "UGameInstanceSubsystem" not in record.bases:
            continue
        asks = [
            body
            for module in layer.modules
            for source in module.sources.values()
            for body in function_bodies(source.tokens)
            if body.owner == record.name and body.name == "ShouldCreateSubsystem"
        ]
        if any(module.sources for module in layer.modules) and not any(
            body.has("IsRunningCommandlet") for body in asks
        ):
            message = f"{record.name}::ShouldCreateSubsystem must ask IsRunningCommandlet()"
            yield Finding(header.path, record.line, "not-while-cooking", message)
    for module in layer.modules:
        for path, source in module.sources.items():
            for body in function_bodies(source.tokens):
                if (
                    body.name == "StartupModule"
                    and len(body.tokens) > 2
                    and not body.has("IsRunningCommandlet")
                ):
                    message = "StartupModule must ask IsRunningCommandlet()"
                    yield Finding(path, body.line, "not-while-cooking", message)
