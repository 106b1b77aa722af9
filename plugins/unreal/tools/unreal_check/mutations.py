# SPDX-License-Identifier: Apache-2.0
"""Typical mistakes, made on purpose in a copy of the plugin: the checks must find them.

`mutations.toml` lists them: name, file, what is found and replaced there, which check must tell, and by which
of its rules.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unreal_check.checks import CHECKS, Checker
from unreal_check.compile_layer import VERSIONS, Unit
from unreal_check.findings import Finding
from unreal_check.layer import Layer

LIST = Path(__file__).parents[1] / "mutations.toml"
TABLE = Path(__file__).parents[1] / "mutations.md"


@dataclass(frozen=True, slots=True)
class Mutation:
    name: str
    mistake: str
    file: str
    find: str
    replace: str
    check: str
    rule: str
    engine: str = VERSIONS[0]
    missed: str = ""
    """Why the check does not find it, if it does not."""

    @property
    def quick(self) -> bool:
        """Whether its check needs no compiler."""
        return self.check not in {"compile", "link", "script"}


@dataclass(frozen=True, slots=True)
class Outcome:
    mutation: Mutation
    findings: list[Finding]

    @property
    def caught(self) -> bool:
        return self.mutation.rule in {finding.rule for finding in self.findings}

    @property
    def as_stated(self) -> bool:
        return self.caught == (not self.mutation.missed)


class MutationNotApplied(ValueError):
    """The text that a mutation replaces is not in its file, or more than once."""


def read_mutations(path: Path = LIST) -> list[Mutation]:
    """Raises `ValueError` for an entry that is not complete."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutation"]
    mutations = [Mutation(**entry) for entry in entries]
    for mutation in mutations:
        if mutation.check not in CHECKS:
            raise ValueError(f"{mutation.name}: {mutation.check} is no check")
    names = [mutation.name for mutation in mutations]
    if len(set(names)) < len(names):
        raise ValueError("two mutations have one name")
    return mutations


def apply(mutation: Mutation, plugin: Path, into: Path) -> Path:
    """A copy of the plugin in `into` with the mistake. Raises `MutationNotApplied`."""
    copy = into / plugin.name
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(plugin, copy)
    target = copy / mutation.file
    text = target.read_text(encoding="utf-8") if target.is_file() else ""
    if text.count(mutation.find) != 1:
        count = text.count(mutation.find)
        raise MutationNotApplied(f"{mutation.name}: {mutation.find!r} is {count} times in {mutation.file}")
    target.write_text(text.replace(mutation.find, mutation.replace), encoding="utf-8")
    return copy


def try_mutation(mutation: Mutation, plugin: Path, work: Path, cache: Path) -> Outcome:
    """Makes the mistake and runs the check that must find it."""
    folder = work / mutation.name
    copy = apply(mutation, plugin, folder)
    checker = Checker(copy, folder, cache, (mutation.engine,))
    findings: list[Finding] = []
    if mutation.check == "compile":
        for unit in affected(checker.layer, copy / mutation.file, mutation.engine):
            findings = checker.run("compile", [unit])
            if findings:
                break
    else:
        findings = checker.run(mutation.check)
    shutil.rmtree(folder, ignore_errors=True)
    return Outcome(mutation, findings)


def affected(layer: Layer, changed: Path, engine: str) -> list[Unit]:
    """What must be compiled anew: the file, the sources that include it, and its module's in one."""
    own = {header.path.name: header for _, header in layer.headers()}
    reached = {changed.name}
    grown = True
    while grown:
        grown = False
        for name, header in own.items():
            included = {Path(include).name for include, _ in header.includes}
            if name not in reached and included & reached:
                reached.add(name)
                grown = True
    units = []
    for module in layer.modules:
        if any(header.path == changed for header in module.headers) or changed in module.sources:
            units.append(Unit(module.name, changed, engine))
        for path, source in sorted(module.sources.items()):
            includes = {Path(d.argument.strip('<>"')).name for d in source.directives if d.name == "include"}
            if path != changed and includes & reached:
                units.append(Unit(module.name, path, engine))
        if changed in module.sources:
            units.append(Unit(module.name, module.folder, engine))
    return units


def table(mutations: Iterable[Mutation]) -> str:
    """The result as Markdown, as the list states it; `try_mutation` tells whether that is so."""
    rows = list(mutations)
    found = sum(not mutation.missed for mutation in rows)
    lines = [
        "# Mistakes that the checks must find",
        "",
        "Made from `mutations.toml` by `python plugins/unreal/tools/check.py --write-mutations`: each",
        "mistake is made in a copy of the plugin, and one check is run.",
        "",
        f"{len(rows)} mistakes, {found} found.",
        "",
        "| mistake | where | check | found by |",
        "|---|---|---|---|",
    ]
    for mutation in rows:
        found_by = f"**not found**: {mutation.missed}" if mutation.missed else mutation.rule
        where = Path(mutation.file).name
        lines.append(f"| {mutation.mistake} | {where} | {mutation.check} | {found_by} |")
    return "\n".join(lines) + "\n"
