# SPDX-License-Identifier: Apache-2.0
# Copyright the ShotStream authors.
"""Checks the Unreal plugin without an engine, and writes the node reference.

python plugins/unreal/tools/check.py                    all checks
python plugins/unreal/tools/check.py headers compile    some of them
python plugins/unreal/tools/check.py --write-nodes      docs/unreal_nodes.md from the headers' comments
python plugins/unreal/tools/check.py --write-mutations  makes typical mistakes and writes which are found
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from unreal_check.checks import CHECKS, Checker
from unreal_check.compile_layer import VERSIONS
from unreal_check.layer import read_layer
from unreal_check.mutations import TABLE, read_mutations, table, try_mutation
from unreal_check.node_reference import write_reference

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "plugins" / "unreal" / "ShotStream"
NODES = ROOT / "docs" / "unreal_nodes.md"


def main() -> int:
    """Prints what is wrong, a line each; 1 if anything is."""
    described = "\n".join(f"  {name:<11} {text}" for name, text in CHECKS.items())
    parser = argparse.ArgumentParser(
        description=f"Checks the Unreal plugin without an engine.\n\nchecks:\n{described}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checks", nargs="*", choices=[[], *CHECKS], metavar="CHECK", help="default: all")
    parser.add_argument("--engine", nargs="+", default=VERSIONS, choices=VERSIONS, help="engine versions")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "unreal_check", help="for generated files"
    )
    parser.add_argument("--write-nodes", action="store_true", help="write docs/unreal_nodes.md instead")
    parser.add_argument("--write-mutations", action="store_true", help="write mutations.md instead")
    options = parser.parse_args()
    if options.write_mutations:
        return _write_mutations(options.work)
    if options.write_nodes:
        changed = write_reference(read_layer(PLUGIN), NODES)
        print(f"{NODES.relative_to(ROOT)}: {'renewed' if changed else 'as it was'}")
        return 0
    checker = Checker(PLUGIN, options.work, options.work / "cache", options.engine)
    wrong = 0
    for name in options.checks or CHECKS:
        start = time.monotonic()
        findings = checker.run(name)
        wrong += len(findings)
        for finding in findings:
            print(finding)
        print(f"{name}: {len(findings)} findings, {time.monotonic() - start:.1f} s", file=sys.stderr)
    return 1 if wrong else 0


def _write_mutations(work: Path) -> int:
    mutations = read_mutations()
    wrong = 0
    for mutation in mutations:
        outcome = try_mutation(mutation, PLUGIN, work / "mutations", work / "cache")
        if not outcome.as_stated:
            wrong += 1
            stated = "is not found" if mutation.missed else f"is found by {mutation.rule}"
            print(f"{mutation.name} {stated}, says the list; found were {outcome.findings}", file=sys.stderr)
    if not wrong:
        TABLE.write_text(table(mutations), encoding="utf-8")
        print(f"{TABLE.relative_to(ROOT)}: {len(mutations)} mistakes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
