# SPDX-License-Identifier: Apache-2.0
"""What a header declares to the engine: the result of reading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from unreal_check.cpp_tokens import Directive, Token
from unreal_check.cpp_types import CppType


@dataclass(slots=True)
class Macro:
    """`UFUNCTION(Exec, Category = "X", meta = (Y = "Z"))`; names in lower case, as they compare."""

    name: str
    line: int
    doc: str = ""
    conditions: tuple[str, ...] = ()
    specifiers: dict[str, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        return any(name.lower() in self.specifiers for name in names)

    def affirms(self, key: str) -> bool:
        """Whether its metadata says `key = "true"`."""
        return self.meta.get(key.lower(), "").lower() == "true"

    @property
    def category(self) -> str:
        """Its Category, given as a specifier or as metadata; empty without one."""
        return self.specifiers.get("category") or self.meta.get("category", "")


@dataclass(slots=True)
class Parameter:
    name: str
    type: CppType
    default: str | None = None
    uparam: Macro | None = None


@dataclass(slots=True)
class Member:
    name: str
    line: int
    access: str
    doc: str
    conditions: tuple[str, ...]
    macro: Macro | None


@dataclass(slots=True)
class Property(Member):
    type: CppType
    static: bool = False
    array: bool = False
    bits: str | None = None
    default: str | None = None


@dataclass(slots=True)
class Function(Member):
    returns: CppType | None
    parameters: list[Parameter]
    before: frozenset[str] = frozenset()
    """`static`, `virtual`, `inline`, the module's API macro: the words in front."""
    after: frozenset[str] = frozenset()
    """`const`, `override`, `final`, and `= 0` as `pure`, `= default`, `= delete`."""
    body: bool = False


@dataclass(slots=True)
class Class:
    keyword: str
    name: str
    line: int
    macro: Macro | None
    bases: list[str]
    api: str | None
    doc: str
    body_macro: str | None = None
    body_line: int = 0
    body_access: str = ""
    functions: list[Function] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    conditions: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """UCLASS, USTRUCT, UINTERFACE, IINTERFACE (its I half), or plain."""
        if self.macro:
            return self.macro.name
        return "IINTERFACE" if self.body_macro and self.name.startswith("I") else "plain"


@dataclass(slots=True)
class Enumerator:
    name: str
    meta: Macro | None
    doc: str


@dataclass(slots=True)
class Enum:
    name: str
    line: int
    macro: Macro | None
    scoped: bool
    underlying: str | None
    values: list[Enumerator]
    doc: str


@dataclass(slots=True)
class Delegate:
    """`DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FName, Type, Name)`."""

    macro: str
    name: str
    line: int
    parameters: list[Parameter]
    expected: int
    arguments: int
    """How many macro arguments stand after the delegate's name; twice `expected` for dynamic ones."""
    doc: str

    @property
    def dynamic(self) -> bool:
        return "_DYNAMIC_" in self.macro

    @property
    def multicast(self) -> bool:
        return "_MULTICAST_" in self.macro or self.macro.startswith("DECLARE_EVENT")


@dataclass(slots=True)
class Header:
    path: Path
    tokens: list[Token]
    directives: list[Directive]
    classes: list[Class] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    delegates: list[Delegate] = field(default_factory=list)

    @property
    def reflected(self) -> bool:
        return bool(self.reflected_lines)

    @property
    def reflected_lines(self) -> list[int]:
        """Where something stands that the header tool reads."""
        lines = [record.line for record in self.classes if record.macro]
        lines += [enum.line for enum in self.enums if enum.macro]
        return lines + [delegate.line for delegate in self.delegates if delegate.dynamic]

    @property
    def includes(self) -> list[tuple[str, int]]:
        return [(d.argument.strip('<>"'), d.line) for d in self.directives if d.name == "include"]
