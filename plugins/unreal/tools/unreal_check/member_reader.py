# SPDX-License-Identifier: Apache-2.0
"""Reads one member of a class: a property or a function."""

from __future__ import annotations

from collections.abc import Sequence

from unreal_check.cpp_tokens import CppSyntaxError, Kind, Token, closing, spelled, split
from unreal_check.cpp_types import CppType, parse_type
from unreal_check.declarations import Function, Macro, Member, Parameter, Property
from unreal_check.macros import read_macro

_BEFORE = {"static", "virtual", "inline", "explicit", "constexpr", "extern", "FORCEINLINE", "FORCENOINLINE"}
_Common = tuple[int, str, str, tuple[str, ...], Macro | None]
"""Line, access, comment, conditions, macro."""
_AFTER = {"const", "override", "final", "noexcept"}


def read_member(
    tokens: Sequence[Token], index: int, end: int, owner: str, access: str, macro: Macro | None
) -> tuple[Member | None, int]:
    """The member at `index` and the index behind it; no member for what is neither property nor function."""
    start = index
    bracket = _declarator_bracket(tokens, start, end)
    stop, body = _end_of(tokens, start, end, bracket)
    behind = stop + 1
    words = list(tokens[start:stop])
    before: set[str] = set()
    while words and (words[0].text in _BEFORE or words[0].text.endswith("_API") or words[0].text == "["):
        if words[0].text == "[":
            words = words[closing(words, 0) + 1 :]
            continue
        before.add(words.pop(0).text)
    first = tokens[start]
    if not words:
        return None, behind
    doc = (macro.doc if macro else "") or first.comment
    common = (first.line, access, doc, first.conditions, macro)
    if bracket is not None:
        opening = bracket - start - (stop - start - len(words))
        return _function(words, opening, common, before, owner, body), behind
    return _property(words, common, before), behind


def _declarator_bracket(tokens: Sequence[Token], start: int, end: int) -> int | None:
    """The index of the ( that begins a function's parameters; None for a property."""
    depth = 0
    for index in range(start, end):
        text = tokens[index].text
        if text == "operator":
            while tokens[index].text != "(" or (
                tokens[index + 1].text == ")" and tokens[index + 2].text == "("
            ):
                index += 1  # noqa: PLW2901 - operators end the search
            return index
        if text == "<" and tokens[index - 1].kind is Kind.NAME:
            depth += 1
        elif text == ">" and depth:
            depth -= 1
        elif depth == 0:
            if text == "(":
                return index if index > start and tokens[index - 1].kind is Kind.NAME else None
            if text in {"=", ";", "{", ":", "["} and index > start:
                return None
    return None


def _end_of(tokens: Sequence[Token], start: int, end: int, bracket: int | None) -> tuple[int, bool]:
    """The index of the ; or of the body's } that ends the member, and whether it has a body."""
    index = start if bracket is None else closing(tokens, bracket) + 1
    initialisers = False
    while index < end:
        text = tokens[index].text
        if text == ";":
            return index, False
        if text == ":" and bracket is not None:
            initialisers = True
        elif text == "{":
            close = closing(tokens, index)
            member_initialiser = initialisers and tokens[index - 1].kind is Kind.NAME
            if bracket is not None and not member_initialiser and tokens[index - 1].text != "=":
                return close, True
            index = close
        elif text in {"(", "["}:
            index = closing(tokens, index)
        index += 1
    raise CppSyntaxError(f"line {tokens[start].line}: a member has no end: a ; may be missing")


def _property(words: list[Token], common: _Common, before: set[str]) -> Property | None:
    line, access, doc, conditions, macro = common
    declarator, default = _cut(words, "=")
    brace = next((i for i, token in enumerate(declarator) if token.text == "{"), None)
    if brace is not None and default is None:
        declarator, default = declarator[:brace], declarator[brace:]
    declarator, bits = _cut(declarator, ":")
    array = bool(declarator) and declarator[-1].text == "]"
    if array:
        declarator = declarator[: next(i for i, token in enumerate(declarator) if token.text == "[")]
    if len(declarator) < 2 or declarator[-1].kind is not Kind.NAME:
        return None
    return Property(
        name=declarator[-1].text,
        line=line,
        access=access,
        doc=doc,
        conditions=conditions,
        macro=macro,
        type=parse_type(declarator[:-1]),
        static="static" in before,
        array=array,
        bits=spelled(bits) if bits else None,
        default=spelled(default) if default is not None else None,
    )


def _function(
    words: list[Token], opening: int, common: _Common, before: set[str], owner: str, body: bool
) -> Function:
    line, access, doc, conditions, macro = common
    head = words[:opening]
    close = closing(words, opening)
    operator = next((i for i, token in enumerate(head) if token.text == "operator"), None)
    name_at = operator if operator is not None else len(head) - 1
    if operator is None and name_at > 0 and head[name_at - 1].text == "~":
        name_at -= 1
    result = head[:name_at]
    tail = words[close + 1 :]
    after = {token.text for token in tail if token.text in _AFTER}
    for index, token in enumerate(tail[:-1]):
        if token.text == "=":
            after.add("pure" if tail[index + 1].text == "0" else tail[index + 1].text)
    returns: CppType | None = parse_type(result) if result else None
    if returns is not None and returns.name == "void" and not returns.pointers:
        returns = None
    if returns is not None and returns.name == "auto" and any(token.text == "->" for token in tail):
        at = next(index for index, token in enumerate(tail) if token.text == "->")
        returns = parse_type([token for token in tail[at + 1 :] if token.text not in {"override", "final"}])
    inner = words[opening + 1 : close]
    parameters = [read_parameter(part) for part in split(inner) if spelled(part) not in {"void", ""}]
    return Function(
        name=spelled(head[name_at:]),
        line=line,
        access=access,
        doc=doc,
        conditions=conditions,
        macro=macro,
        returns=returns,
        parameters=parameters,
        before=frozenset(
            before | ({"constructor"} if spelled(head[name_at:]) in {owner, "~" + owner} else set())
        ),
        after=frozenset(after),
        body=body,
    )


def read_parameter(tokens: list[Token]) -> Parameter:
    """`UPARAM(...) const FString& Name = TEXT("x")`; the name may be missing."""
    uparam = None
    if tokens and tokens[0].text == "UPARAM":
        close = closing(tokens, 1)
        uparam = read_macro(tokens, 0, close)
        tokens = tokens[close + 1 :]
    declarator, default = _cut(tokens, "=")
    name = ""
    if len(declarator) > 1 and declarator[-1].kind is Kind.NAME and _named(declarator):
        name = declarator[-1].text
        declarator = declarator[:-1]
    if [token.text for token in declarator] == ["..."]:
        return Parameter(name, CppType("..."), None)
    return Parameter(name, parse_type(declarator), spelled(default) if default is not None else None, uparam)


def _named(tokens: list[Token]) -> bool:
    """Whether the last word is a parameter's name and not the type itself, as in `const FString`."""
    return tokens[-2].text != "::" and any(
        token.kind is Kind.NAME and token.text not in {"const", "class", "struct", "enum"}
        for token in tokens[:-1]
    )


def _cut(tokens: list[Token], at: str) -> tuple[list[Token], list[Token] | None]:
    depth = 0
    for index, token in enumerate(tokens):
        if token.text in {"(", "[", "{"}:
            depth += 1
        elif token.text in {")", "]", "}"}:
            depth -= 1
        elif token.text == at and depth == 0:
            return tokens[:index], tokens[index + 1 :]
    return tokens, None
