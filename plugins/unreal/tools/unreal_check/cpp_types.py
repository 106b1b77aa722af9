# SPDX-License-Identifier: Apache-2.0
"""Types as they are written in declarations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unreal_check.cpp_tokens import CppSyntaxError, Kind, Token, split

_NOISE = {"class", "struct", "enum", "typename", "mutable", "volatile"}


@dataclass(frozen=True, slots=True)
class CppType:
    """`const TArray<FString>&`: name `TArray`, one argument, const, one reference."""

    name: str
    arguments: tuple[CppType, ...] = ()
    const: bool = False
    pointers: int = 0
    references: int = 0

    def __str__(self) -> str:
        inner = f"<{', '.join(map(str, self.arguments))}>" if self.arguments else ""
        return (
            f"{'const ' if self.const else ''}{self.name}{inner}{'*' * self.pointers}{'&' * self.references}"
        )


def parse_type(tokens: Sequence[Token]) -> CppType:
    """Raises `CppSyntaxError` if the tokens name no type."""
    name, arguments, const, pointers, references = "", (), False, 0, 0  # type: str, tuple[CppType, ...], bool, int, int
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.text == "const":
            const = const or not pointers
        elif token.text in {"*"}:
            pointers += 1
        elif token.text in {"&", "&&"}:
            references += len(token.text)
        elif token.text == "<":
            end = _angle_end(tokens, index)
            arguments = tuple(_argument(part) for part in split(tokens[index + 1 : end]))
            index = end
        elif token.text in {"::"} or token.kind is Kind.NAME:
            if token.text not in _NOISE:
                joins = name.endswith("::") or token.text == "::" or not name
                name += token.text if joins else f" {token.text}"
        elif token.text in {"(", "["}:  # a function type or an array, as in TFunction<void(int)>
            name += token.text + "".join(rest.text for rest in tokens[index + 1 :])
            break
        else:
            raise CppSyntaxError(f"line {token.line}: {token.text!r} in a type")
        index += 1
    if not name:
        where = tokens[0].line if tokens else 0
        raise CppSyntaxError(f"line {where}: a type is missing")
    return CppType(name, arguments, const, pointers, references)


def _argument(tokens: Sequence[Token]) -> CppType:
    """A template's argument: a type, or a value, which is kept as it is spelled."""
    if tokens and tokens[0].kind in {Kind.NUMBER, Kind.STRING, Kind.CHAR}:
        return CppType("".join(token.text for token in tokens))
    return parse_type(tokens)


def _angle_end(tokens: Sequence[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"<": 1, ">": -1}.get(tokens[index].text, 0)
        if depth == 0:
            return index
    raise CppSyntaxError(f"line {tokens[opening].line}: < is never closed")
