# SPDX-License-Identifier: Apache-2.0
"""Reads what stands between the brackets of UCLASS, UPROPERTY and their like."""

from __future__ import annotations

from collections.abc import Sequence

from unreal_check.cpp_tokens import Kind, Token, spelled, split
from unreal_check.declarations import Macro


def read_macro(tokens: Sequence[Token], index: int, close: int) -> Macro:
    """The macro at `index`, whose bracket closes at `close`."""
    macro = Macro(tokens[index].text, tokens[index].line, tokens[index].comment, tokens[index].conditions)
    entries = split(tokens[index + 2 : close])
    into = macro.meta if macro.name in {"UMETA"} else macro.specifiers
    _read_entries(entries, macro, into)
    return macro


def _read_entries(entries: list[list[Token]], macro: Macro, into: dict[str, str]) -> None:
    for entry in entries:
        if not entry:
            macro.problems.append("there is an empty entry: a comma too many")
            continue
        key, value = entry, entry[:0]
        for index, token in enumerate(entry):
            if token.text == "=":
                key, value = entry[:index], entry[index + 1 :]
                break
        name = spelled(key)
        if key[0].kind is not Kind.NAME or len(key) > 1:
            macro.problems.append(f"{name!r} is no specifier: a comma may be missing")
            continue
        if len(key) < len(entry) and not value:
            macro.problems.append(f"{name} = has no value")
            continue
        bracketed = len(value) > 1 and value[0].text == "(" and value[-1].text == ")"
        if name.lower() == "meta" and into is not macro.meta:
            if not bracketed:
                macro.problems.append("meta is written meta = (Key = Value, ...)")
            else:
                _read_entries(split(value[1:-1]), macro, macro.meta)
            continue
        if not bracketed and len(value) > 1 and any(token.kind is Kind.NAME for token in value[1:]):
            macro.problems.append(f"{spelled(entry)!r} is no single value: a comma may be missing")
            continue
        if name.lower() in into:
            macro.problems.append(f"{name} is there twice")
        into[name.lower()] = unquoted(spelled(value[1:-1] if bracketed else value))


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
