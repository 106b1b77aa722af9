# SPDX-License-Identifier: Apache-2.0
"""Module rules, the *.Build.cs files: names, settings, and dependencies that cover what is included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from unreal_check.compile_layer import SHIMS
from unreal_check.cpp_tokens import CppSyntaxError, Kind, Source, Token, closing, read_source, tokenize
from unreal_check.findings import Finding

EDITOR_ONLY = frozenset(
    {
        "AssetDefinition",
        "AssetTools",
        "ContentBrowser",
        "DesktopPlatform",
        "EditorScriptingUtilities",
        "EditorSubsystem",
        "LevelEditor",
        "PythonScriptPlugin",
        "Sequencer",
        "ToolMenus",
        "UnrealEd",
    }
)
"""Modules that no packaged game has."""
MODULES_OF_PLUGINS = {
    "PythonScriptPlugin": "PythonScriptPlugin",
    "ImgMedia": "ImgMedia",
    "MediaCompositing": "MediaCompositing",
    "MediaCompositingEditor": "MediaCompositing",
    "SequencerScripting": "SequencerScripting",
    "EditorScriptingUtilities": "EditorScriptingUtilities",
}
_FORBIDDEN = {
    "bWarningsAsErrors": "a newer compiler's warning would stop the user's build",
    "bTreatAsEngineModule": "only the engine's own modules are built so",
    "UnsafeTypeCastWarningLevel": "a newer compiler's warning would stop the user's build",
    "bUsePrecompiled": "there is nothing precompiled in a source plugin",
}
_NEVER_TRUE = {
    "bEnableExceptions": "the plugin is written without exceptions",
    "bUseRTTI": "the plugin is written without RTTI",
}


@dataclass(slots=True)
class Rules:
    """One Build.cs, read."""

    path: Path
    source: Source
    public: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    dynamic: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".Build.cs")


def read_rules(path: Path) -> Rules:
    """Raises `CppSyntaxError`; C# of this kind has the same tokens as C++."""
    rules = Rules(path, tokenize(read_source(path)))
    into = {
        "PublicDependencyModuleNames": rules.public,
        "PrivateDependencyModuleNames": rules.private,
        "DynamicallyLoadedModuleNames": rules.dynamic,
    }
    tokens = rules.source.tokens
    for index, token in enumerate(tokens):
        if token.text in into:
            bracket = next(i for i in range(index, len(tokens)) if tokens[i].text == "(")
            inner = tokens[bracket : closing(tokens, bracket)]
            into[token.text] |= {item.text.strip('"') for item in inner if item.kind is Kind.STRING}
    return rules


def check_build_rules(plugin: Path) -> list[Finding]:
    """All Build.cs files under `plugin`."""
    findings: list[Finding] = []
    modules: dict[str, Rules] = {}
    for path in sorted(plugin.glob("Source/*/*.Build.cs")):
        try:
            modules[path.parent.name] = read_rules(path)
        except CppSyntaxError as error:
            findings.append(Finding(path, 1, "readable", str(error)))
    for rules in modules.values():
        findings += _settings(rules)
        findings += _dependencies(rules, modules)
        findings += _includes(rules, modules)
    return sorted(set(findings))


def _settings(rules: Rules) -> Iterator[Finding]:
    tokens = rules.source.tokens
    texts = [token.text for token in tokens]
    heading = ["public", "class", rules.name, ":", "ModuleRules"]
    if rules.name != rules.path.parent.name:
        message = f"{rules.path.name} must be in a folder of its name"
        yield Finding(rules.path, 1, "build-class", message)
    if not any(texts[i : i + 5] == heading for i in range(len(texts))):
        yield Finding(rules.path, 1, "build-class", f"public class {rules.name} : ModuleRules is missing")
    if "PCHUsage" not in texts:
        message = "PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs (or NoPCHs) is missing"
        yield Finding(rules.path, 1, "build-setting", message)
    for index, token in enumerate(tokens):
        if token.text in _FORBIDDEN:
            yield Finding(rules.path, token.line, "build-setting", f"{token.text}: {_FORBIDDEN[token.text]}")
        if token.text in _NEVER_TRUE and texts[index + 1 : index + 3] == ["=", "true"]:
            yield Finding(rules.path, token.line, "build-setting", f"{token.text}: {_NEVER_TRUE[token.text]}")
        if token.text.endswith("WarningLevel") and "Error" in texts[index : index + 6]:
            message = f"{token.text}: a newer compiler's warning would stop the user's build"
            yield Finding(rules.path, token.line, "build-setting", message)
        if token.kind is Kind.STRING and (":\\" in token.text or token.text.startswith(('"/', '"..'))):
            message = f"{token.text}: paths outside the plugin exist on one machine only"
            yield Finding(rules.path, token.line, "build-path", message)
        if token.text == "PublicAdditionalLibraries":
            yield from _library(rules, token)


def _library(rules: Rules, token: Token) -> Iterator[Finding]:
    """What is linked must be there: the rules look, by File.Exists or Directory.Exists."""
    texts = {found.text for found in rules.source.tokens}
    if "Exists" in texts:
        return
    message = "a library is linked without a look whether it is there (Directory.Exists)"
    yield Finding(rules.path, token.line, "build-library", message)


def _dependencies(rules: Rules, modules: dict[str, Rules]) -> Iterator[Finding]:
    known = _engine_modules() | set(modules)
    for name in sorted(rules.public | rules.private | rules.dynamic):
        line = next(token.line for token in rules.source.tokens if token.text == f'"{name}"')
        if name not in known:
            yield Finding(rules.path, line, "build-dependency", f"{name}: no module that is known here")
        if name == rules.name:
            yield Finding(rules.path, line, "build-dependency", f"{name} depends on itself")
        if name in rules.public & rules.private:
            yield Finding(
                rules.path, line, "build-dependency", f"{name} is a public and a private dependency"
            )
        editor = name in EDITOR_ONLY or name.endswith("Editor")
        if editor and not rules.name.endswith("Editor"):
            message = f"{name} exists in the editor only: a packaged game with {rules.name} would not link"
            yield Finding(rules.path, line, "build-dependency", message)


def _includes(rules: Rules, modules: dict[str, Rules]) -> Iterator[Finding]:
    own = {
        path.relative_to(root).as_posix() for root in _roots(rules.path.parent) for path in root.rglob("*.h")
    }
    for path in sorted((*rules.path.parent.rglob("*.h"), *rules.path.parent.rglob("*.cpp"))):
        public = "Public" in path.relative_to(rules.path.parent).parts
        try:
            directives = tokenize(read_source(path)).directives
        except CppSyntaxError:
            continue  # the reflection check tells
        for directive in directives:
            name = directive.argument.strip('<>"')
            if directive.name != "include" or name in own or name.endswith(".generated.h"):
                continue
            module = owner_of(name, modules)
            if module is None:
                if directive.argument.startswith('"') and rules.name not in {"ShotStreamCore"}:
                    message = f"{name} belongs to no module that is known here"
                    yield Finding(path, directive.line, "include-module", message)
            elif module != rules.name and module not in rules.public | rules.private:
                message = f"{name} is of {module}, which {rules.path.name} does not list"
                yield Finding(path, directive.line, "include-module", message)
            elif public and module != rules.name and module not in rules.public:
                message = f"{name} is of {module}: included in a public header, so a public dependency"
                yield Finding(path, directive.line, "include-module", message)


def _roots(folder: Path) -> list[Path]:
    return [folder / name for name in ("Public", "Private", "Classes") if (folder / name).is_dir()]


def owner_of(include: str, modules: dict[str, Rules]) -> str | None:
    """The module that a header belongs to, by the name it is included with."""
    for name, rules in modules.items():
        if any((root / include).is_file() for root in _roots(rules.path.parent)):
            return name
    return _engine_headers().get(include)


@cache
def _engine_headers() -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): folder.name
        for folder in sorted(SHIMS.iterdir())
        if folder.is_dir()
        for path in folder.rglob("*.h")
    }


def _engine_modules() -> set[str]:
    return {folder.name for folder in SHIMS.iterdir() if folder.is_dir()}
