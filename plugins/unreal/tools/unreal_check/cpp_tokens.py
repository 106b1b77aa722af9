# SPDX-License-Identifier: Apache-2.0
"""C++ source as tokens, with the comment before each and the preprocessor conditions around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

_PATTERN = re.compile(
    r"""
      (?P<space>\s+|\\\r?\n)
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
    | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
    | (?P<char>(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
    | (?P<number>\.?\d(?:[eEpP][+-]|'?[\w.])*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<punct>::|->|\+\+|--|&&|\|\||[<>=!+\-*/%&|^]=|\.\.\.|[\[\](){}<>;:,.=+\-*/%&|^!~?\#\\@$`])
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*(\w+)((?:[^\n\\]|\\\r?\n|\\)*)")


class CppSyntaxError(ValueError):
    """Source that cannot be read: a character that begins no token, or a bracket without its partner."""


class Kind(Enum):
    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    CHAR = "char"
    PUNCT = "punct"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    line: int
    comment: str = ""
    """Comments between the token before and this one."""
    conditions: tuple[str, ...] = ()
    """The `#if` lines that are open here, outermost first."""


@dataclass(frozen=True, slots=True)
class Directive:
    name: str
    argument: str
    line: int


@dataclass(slots=True)
class Source:
    tokens: list[Token] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)


def read_source(path: Path) -> str:
    """A source file's text, with or without a byte order mark. Raises `CppSyntaxError` if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CppSyntaxError(f"byte {error.start} is not UTF-8, which compilers read differently") from error


def tokenize(text: str) -> Source:
    """Splits `text`; directives are set apart. Raises `CppSyntaxError`."""
    source = Source()
    conditions: list[str] = []
    comments: list[str] = []
    position, line, fresh = 0, 1, True
    while position < len(text):
        directive = _DIRECTIVE.match(text, position) if fresh else None
        if directive:
            name = directive[1]
            argument = re.sub(r"\\\r?\n", " ", directive[2])
            argument = re.sub(r"//.*|/\*.*?\*/", "", argument).strip()
            source.directives.append(Directive(name, argument, line))
            _follow(name, argument, conditions, line)
            line += directive[0].count("\n")
            position = directive.end()
            comments.clear()
            continue
        match = _PATTERN.match(text, position)
        if not match:
            raise CppSyntaxError(f"line {line}: {text[position]!r} begins no token")
        group, found = match.lastgroup or "", match[0]
        if group == "mark":
            group = "raw"
        if group == "comment":
            comments.append(found)
        elif group != "space":
            kind = Kind.STRING if group == "raw" else Kind(group)
            source.tokens.append(Token(kind, found, line, "\n".join(comments), tuple(conditions)))
            comments.clear()
        fresh = (fresh or "\n" in found) if group == "space" else (group == "comment" and fresh)
        line += found.count("\n")
        position = match.end()
    if conditions:
        raise CppSyntaxError(f"#if {conditions[-1]} has no #endif")
    return source


def _follow(name: str, argument: str, conditions: list[str], line: int) -> None:
    if name in {"if", "ifdef", "ifndef"}:
        conditions.append(argument if name == "if" else f"{name} {argument}")
    elif name in {"elif", "else", "endif"}:
        if not conditions:
            raise CppSyntaxError(f"line {line}: #{name} without #if")
        before = conditions.pop()
        if name != "endif":
            conditions.append(argument if name == "elif" else f"not ({before})")


_PARTNER = {"(": ")", "[": "]", "{": "}"}


def closing(tokens: Sequence[Token], opening: int) -> int:
    """The index of the bracket that closes the one at `opening`. Raises `CppSyntaxError`."""
    depth: list[str] = []
    for index in range(opening, len(tokens)):
        text = tokens[index].text
        if tokens[index].kind is not Kind.PUNCT:
            continue
        if text in _PARTNER:
            depth.append(_PARTNER[text])
        elif text in {")", "]", "}"}:
            if not depth or depth.pop() != text:
                raise CppSyntaxError(f"line {tokens[index].line}: {text} closes nothing")
            if not depth:
                return index
    raise CppSyntaxError(f"line {tokens[opening].line}: {tokens[opening].text} is never closed")


def split(tokens: Sequence[Token], separator: str = ",") -> list[list[Token]]:
    """The parts between separators outside all brackets, angle brackets too."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind is Kind.PUNCT:
            opens_angle = token.text == "<" and index > 0 and tokens[index - 1].kind is Kind.NAME
            if token.text in _PARTNER or opens_angle:
                depth += 1
            elif token.text in {")", "]", "}"} or (token.text == ">" and depth):
                depth -= 1
            elif token.text == separator and depth == 0:
                parts.append([])
                continue
        parts[-1].append(token)
    return parts if parts != [[]] else []


def spelled(tokens: Sequence[Token]) -> str:
    """Tokens as text, with a space only where two words meet and after commas."""
    text = ""
    for token in tokens:
        glue = (
            text
            and (text[-1].isalnum() or text[-1] == "_")
            and (token.text[0].isalnum() or token.text[0] in "_\"'")
        )
        text += (" " if glue or text.endswith(",") else "") + token.text
    return text
