# SPDX-License-Identifier: Apache-2.0
"""Checks the editor's Python scripts (`Content/Python`) against the engine's Python interface.

The interface comes from the PyPI package `unreal-stub`, which the engine's own generator wrote. It is
rewritten first: it says nowhere that it has types (py.typed); its parameters of type Class, Name and Text
also take a Python class and str, as the engine does; and without its texts it is read ten times faster.
Names of editor properties are texts to a type checker: those are looked up in the stub's own lists of them.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from unreal_check.findings import Finding

_DOCUMENTATION = re.compile(r'^[ \t]*r""".*?"""\n', re.MULTILINE | re.DOTALL)
_ACCEPTED = {"Class": "Class | type", "Name": "Name | str", "Text": "Text | str"}
_PARAMETER = re.compile(r": (Class|Name|Text)(?=[,)]| =)")
_PROPERTY = re.compile(r"^[ \t]*- ``(\w+)``", re.MULTILINE)
_PROPERTY_CALLS = {"set_editor_property", "get_editor_property"}


def check_scripts(scripts: list[Path], cache: Path) -> list[Finding]:
    """`cache` keeps the rewritten interface. Raises `ModuleNotFoundError` without unreal-stub."""
    if not scripts:
        return []
    interface = rewritten_interface(cache)
    properties = set(json.loads((interface / "properties.json").read_text(encoding="utf-8")))
    findings = [found for script in scripts for found in _property_names(script, properties)]
    options = {
        "extraPaths": [str(interface), *sorted({str(script.parent) for script in scripts})],
        "pythonVersion": "3.11",
        "typeCheckingMode": "standard",
        "reportMissingImports": "error",
        "reportMissingModuleSource": "none",
        "reportUnusedImport": "error",
        "reportOptionalMemberAccess": "error",
    }
    with tempfile.TemporaryDirectory(prefix="shotstream-pyright-") as folder:
        settings = Path(folder) / "pyrightconfig.json"
        settings.write_text(json.dumps(options), encoding="utf-8")
        command = [sys.executable, "-m", "pyright", "--outputjson", "--project", str(settings)]
        command += [str(script) for script in scripts]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise RuntimeError(f"pyright gave no report: {done.stdout[-500:]}{done.stderr[-500:]}") from error
    for item in report["generalDiagnostics"]:
        if item["severity"] == "error":
            line = item.get("range", {}).get("start", {}).get("line", 0) + 1
            rule = item.get("rule", "syntax")
            findings.append(Finding(Path(item["file"]), line, "pyright", f"{item['message']} ({rule})"))
    return sorted(findings)


def rewritten_interface(cache: Path) -> Path:
    """A folder with the package `unreal` for a type checker, made once, whoever else makes it at the time."""
    spec = importlib.util.find_spec("unreal")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package unreal-stub is missing: pip install unreal-stub")
    source = Path(spec.origin).parent / "unreal.py"
    folder = cache / f"unreal-{source.stat().st_size}"
    if folder.exists():
        return folder
    fresh = Path(tempfile.mkdtemp(prefix="unreal-", dir=cache))
    package = fresh / "unreal"
    package.mkdir()
    text = source.read_text(encoding="utf-8-sig")
    names = sorted(set(_PROPERTY.findall(text)))
    text = _DOCUMENTATION.sub("", text)
    text = _PARAMETER.sub(lambda match: f": {_ACCEPTED[match[1]]}", text)
    (package / "__init__.pyi").write_text(text, encoding="utf-8")
    (package / "py.typed").touch()
    (fresh / "properties.json").write_text(json.dumps(names), encoding="utf-8")
    try:
        fresh.rename(folder)
    except OSError:
        shutil.rmtree(fresh)  # somebody else was first
    return folder


def _property_names(script: Path, known: set[str]) -> list[Finding]:
    """Names given to set_editor_property and get_editor_property that no class of the engine has."""
    try:
        tree = ast.parse(script.read_text(encoding="utf-8"))
    except SyntaxError:
        return []  # pyright tells
    findings = []
    for node in ast.walk(tree):
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if called not in _PROPERTY_CALLS or not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.args[0]
        if isinstance(name, ast.Constant) and name.value not in known:
            message = f"{called}({name.value!r}): no class of the engine has this property"
            findings.append(Finding(script, node.lineno, "editor-property", message))
    return findings
