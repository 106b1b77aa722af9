# SPDX-License-Identifier: Apache-2.0
"""Reads a header's classes, enums, delegates and their macros."""

from __future__ import annotations

from pathlib import Path

from unreal_check.cpp_tokens import (
    CppSyntaxError,
    Kind,
    Token,
    closing,
    read_source,
    spelled,
    split,
    tokenize,
)
from unreal_check.declarations import Class, Delegate, Enum, Enumerator, Function, Header, Macro, Property
from unreal_check.macros import read_macro
from unreal_check.member_reader import read_member, read_parameter

TYPE_MACROS = {"UCLASS", "USTRUCT", "UINTERFACE", "UENUM"}
MEMBER_MACROS = {"UPROPERTY", "UFUNCTION"}
BODY_MACROS = {
    "GENERATED_BODY",
    "GENERATED_UCLASS_BODY",
    "GENERATED_USTRUCT_BODY",
    "GENERATED_UINTERFACE_BODY",
    "GENERATED_IINTERFACE_BODY",
}
_COUNTS = ["", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"]
_SKIPPED = {"friend", "using", "typedef", "static_assert"}


def read_header(path: Path) -> Header:
    """Raises `CppSyntaxError` for source that cannot be read."""
    source = tokenize(read_source(path))
    header = Header(path, source.tokens, source.directives)
    _Reader(header).namespace(0, len(source.tokens))
    return header


class _Reader:
    def __init__(self, header: Header) -> None:
        self.header = header
        self.tokens = header.tokens

    def text(self, index: int) -> str:
        return self.tokens[index].text if index < len(self.tokens) else ""

    def namespace(self, index: int, end: int) -> None:
        """Declarations outside classes."""
        macro: Macro | None = None
        while index < end:
            token = self.tokens[index]
            if token.text in TYPE_MACROS:
                close = closing(self.tokens, index + 1)
                macro = read_macro(self.tokens, index, close)
                index = close + 1
            elif (
                token.text.startswith("DECLARE_") and "DELEGATE" in token.text and self.text(index + 1) == "("
            ):
                index = self.delegate(index)
            elif token.text in {"class", "struct"}:
                index = self.record(index, macro)
                macro = None
            elif token.text == "enum":
                index = self.enum(index, macro)
                macro = None
            elif token.text == "template" and self.text(index + 1) == "<":
                index = self.after_angles(index + 1)
            elif token.text == "namespace":
                while self.text(index) not in {"{", ";", ""}:
                    index += 1
                if self.text(index) == "{":
                    close = closing(self.tokens, index)
                    self.namespace(index + 1, close)
                    index = close
                index += 1
            elif token.text in {"{", "("}:
                index = closing(self.tokens, index) + 1
            else:
                index += 1

    def after_angles(self, index: int) -> int:
        depth = 0
        while index < len(self.tokens):
            depth += {"<": 1, ">": -1}.get(self.text(index), 0)
            index += 1
            if depth == 0:
                break
        return index

    def delegate(self, index: int) -> int:
        token = self.tokens[index]
        close = closing(self.tokens, index + 1)
        parts = split(self.tokens[index + 2 : close])
        plain = token.text.removesuffix("Params").removesuffix("Param")
        count = plain.rsplit("_", 1)[-1]
        expected = _COUNTS.index(count) if count in _COUNTS else 0
        if "_RetVal" in token.text or token.text.startswith("DECLARE_EVENT"):
            parts = parts[1:]
        if "_SPARSE_" in token.text:
            parts = parts[:1] + parts[3:]
        rest = parts[1:]
        dynamic = "_DYNAMIC_" in token.text
        pairs = list(zip(rest[::2], rest[1::2], strict=False)) if dynamic else [(part, []) for part in rest]
        parameters = [read_parameter([*kind, *name]) for kind, name in pairs]
        name = spelled(parts[0]) if parts else ""
        self.header.delegates.append(
            Delegate(token.text, name, token.line, parameters, expected, len(rest), token.comment)
        )
        return close + 1

    def enum(self, index: int, macro: Macro | None) -> int:
        line, doc = self.tokens[index].line, self.tokens[index].comment
        scoped = self.text(index + 1) in {"class", "struct"}
        index += 2 if scoped else 1
        while self.text(index).endswith("_API"):
            index += 1
        name = self.text(index)
        start = index + 1
        while self.text(index) not in {"{", ";", ""}:
            index += 1
        if self.text(index) != "{":
            return index + 1
        underlying = spelled(self.tokens[start + 1 : index]) if self.text(start) == ":" else None
        close = closing(self.tokens, index)
        values = [_enumerator(part) for part in split(self.tokens[index + 1 : close]) if part]
        doc = (macro.doc if macro else "") or doc
        self.header.enums.append(Enum(name, line, macro, scoped, underlying, values, doc))
        return close + 1

    def record(self, index: int, macro: Macro | None) -> int:
        """A class or struct; returns the index behind it, or behind its name if it is only declared."""
        keyword, line = self.text(index), self.tokens[index].line
        doc, conditions = self.tokens[index].comment, self.tokens[index].conditions
        index += 1
        api = None
        while self.text(index).endswith("_API") or self.text(index) in {"UE_DEPRECATED", "alignas", "[["}:
            if self.text(index + 1) == "(":
                index = closing(self.tokens, index + 1) + 1
                continue
            api = self.text(index)
            index += 1
        name = self.text(index)
        start = index + 1
        while self.text(index) not in {"{", ";", "", ")", ">", ",", "=", "("}:
            index = self.after_angles(index) if self.text(index) == "<" else index + 1
        if self.text(index) != "{":
            return index
        head = [token for token in self.tokens[start:index] if token.text != "final"]
        bases = [_base(part) for part in split(head[1:])] if head and head[0].text == ":" else []
        close = closing(self.tokens, index)
        record = Class(keyword, name, line, macro, bases, api, (macro.doc if macro else "") or doc)
        record.conditions = conditions
        self.header.classes.append(record)
        self.members(index + 1, close, record)
        return close + 1

    def members(self, index: int, end: int, record: Class) -> None:
        access = "private" if record.keyword == "class" else "public"
        macro: Macro | None = None
        while index < end:
            token = self.tokens[index]
            if token.text in {"public", "protected", "private"} and self.text(index + 1) == ":":
                access = token.text
                index += 2
            elif token.text in BODY_MACROS and self.text(index + 1) == "(":
                record.body_macro, record.body_line, record.body_access = token.text, token.line, access
                access = _access_after(token.text, record)
                index = closing(self.tokens, index + 1) + 1
            elif token.text in MEMBER_MACROS and self.text(index + 1) == "(":
                close = closing(self.tokens, index + 1)
                macro = read_macro(self.tokens, index, close)
                index = close + 1
            elif token.text.startswith("DECLARE_") and "DELEGATE" in token.text:
                index = self.delegate(index)
            elif token.text == "template":
                index = self.after_angles(index + 1)
            elif token.text in _SKIPPED:
                index = self.behind(index, end)
            elif token.text == "enum":
                index = self.enum(index, None)
            elif token.text in {"class", "struct"} and self.defines(index):
                index = self.record(index, None)
            elif token.text == "SLATE_BEGIN_ARGS":
                while index < end and self.text(index) != "SLATE_END_ARGS":
                    index += 1
                index += 3
            elif token.text == ";":
                index += 1
            elif token.text.isupper() and "_" in token.text and self.text(index + 1) == "(":
                index = closing(self.tokens, index + 1) + 1  # UE_DEPRECATED(...) and the like
            else:
                member, index = read_member(self.tokens, index, end, record.name, access, macro)
                if isinstance(member, Function):
                    record.functions.append(member)
                elif isinstance(member, Property):
                    record.properties.append(member)
                macro = None

    def defines(self, index: int) -> bool:
        """Whether `class`/`struct` here begins a definition rather than a member's type."""
        while self.text(index) not in {"{", ";", "(", ""}:
            index += 1
        return self.text(index) == "{"

    def behind(self, index: int, end: int) -> int:
        while index < end and self.text(index) != ";":
            index = closing(self.tokens, index) + 1 if self.text(index) in {"(", "{"} else index + 1
        return index + 1


def _access_after(macro: str, record: Class) -> str:
    """GENERATED_BODY leaves a class private and a struct public; the older macros leave both public."""
    return "private" if macro == "GENERATED_BODY" and record.keyword == "class" else "public"


def _base(tokens: list[Token]) -> str:
    return spelled(
        [token for token in tokens if token.text not in {"public", "protected", "private", "virtual"}]
    )


def _enumerator(tokens: list[Token]) -> Enumerator:
    at = next((index for index, token in enumerate(tokens) if token.text == "UMETA"), None)
    meta = read_macro(tokens, at, closing(tokens, at + 1)) if at is not None else None
    if tokens[0].kind is not Kind.NAME:
        raise CppSyntaxError(f"line {tokens[0].line}: {tokens[0].text} is no enumerator")
    return Enumerator(tokens[0].text, meta, tokens[0].comment)
