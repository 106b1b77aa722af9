# SPDX-License-Identifier: Apache-2.0
"""The functions that a source file defines, with the tokens of their bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unreal_check.cpp_tokens import CppSyntaxError, Kind, Token, closing


@dataclass(frozen=True, slots=True)
class Body:
    """A function's definition in a .cpp file."""

    owner: str
    name: str
    line: int
    tokens: list[Token]

    def has(self, *texts: str) -> bool:
        """Whether these tokens follow each other in it."""
        mine = [token.text for token in self.tokens]
        return any(mine[i : i + len(texts)] == list(texts) for i in range(len(mine)))


def function_bodies(tokens: Sequence[Token]) -> Iterator[Body]:
    """Definitions with an owner (`A::B(...) {`) and free functions."""
    index = 0
    while index < len(tokens):
        if tokens[index].text != "(" or index == 0 or tokens[index - 1].kind is not Kind.NAME:
            index += 1
            continue
        try:
            end = closing(tokens, index)
            opening = end + 1
            while opening < len(tokens) and tokens[opening].text in {
                "const",
                "override",
                "final",
                "noexcept",
            }:
                opening += 1
            if opening < len(tokens) and tokens[opening].text == "{":
                close = closing(tokens, opening)
                owner = tokens[index - 3].text if index > 2 and tokens[index - 2].text == "::" else ""
                yield Body(
                    owner, tokens[index - 1].text, tokens[index].line, list(tokens[opening : close + 1])
                )
                index = close
        except CppSyntaxError:
            return
        index += 1
