# SPDX-License-Identifier: Apache-2.0
"""The Python API of both products, as far as the runtime uses it.

TensorRT's own libraries need a GPU and gigabytes; its bindings are small, and import over a library that has
the few symbols they link to. Nothing can be built so, but every class, attribute and signature is real.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
import shotstream_runtime.engines.tensorrt as package

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

SOURCES = sorted(Path(package.__file__).parent.glob("*.py"))
ONLY_RTX = {
    "ComputeCapability",
    "CudaGraphStrategy",
    "DynamicShapesKernelSpecializationStrategy",
    "EngineInvalidityDiagnostics",
    "EngineValidity",
}
LIBRARIES = ("libnvinfer.so.11", "libnvinfer_plugin.so.11", "libnvonnxparser.so.11")
SYMBOLS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getInferLibVersion",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
DESCRIBE = """
import json, sys
import tensorrt_bindings as trt
names, methods = json.loads(sys.stdin.read())
def find(chain):
    found = trt
    for part in chain.split("."):
        found = getattr(found, part, None)
        if found is None:
            return False
    return True
signatures = {name: getattr(getattr(trt.INetworkDefinition, name, None), "__doc__", None) for name in methods}
print(json.dumps([{name: find(name) for name in names}, signatures]))
"""


def used_names() -> set[str]:
    """Every dotted name that the sources take from the product's module."""
    found = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and (chain := _chain(node)):
                found.add(chain)
    assert {"Builder", "AttentionNormalizationOp.SOFTMAX", "KVCacheMode.LINEAR"} <= found
    return found


def _chain(node: ast.Attribute) -> str:
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.insert(0, inner.attr)
        if inner.attr in {"trt", "_trt"}:
            return ".".join(parts[1:3])
        inner = inner.value
    return ".".join(parts[:2]) if isinstance(inner, ast.Name) and inner.id == "trt" else ""


def used_methods() -> set[str]:
    """Every method of the network definition that the sources call."""
    text = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)
    return set(re.findall(r"network\.(add_\w+|mark_\w+)\(", text))


def signature(doc: str | None) -> str:
    """The first line of a binding's docstring, without the module's name."""
    first = (doc or "").strip().splitlines()[0] if doc else ""
    return re.sub(r"tensorrt(_rtx)?_bindings\.tensorrt(_rtx)?\.", "", first)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bool], dict[str, str | None]]:
    try:
        version("tensorrt_cu13_bindings")
    except PackageNotFoundError:
        pytest.skip("the bindings of TensorRT are not installed")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("stand_in")
    code = folder / "symbols.c"
    code.write_text(
        "\n".join(f"void *{symbol}(void) {{ return 0; }}" for symbol in SYMBOLS), encoding="utf-8"
    )
    for library in LIBRARIES:
        subprocess.run(
            [compiler, "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", folder / library, code],
            check=True,
            timeout=60,
        )
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        input=json.dumps([sorted(used_names()), sorted(used_methods())]),
        env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names, signatures = json.loads(done.stdout.splitlines()[-1])
    return names, signatures


def test_every_name_is_in_both_products(
    described: tuple[dict[str, bool], dict[str, str | None]],
) -> None:
    names, _ = described
    missing = {name for name, there in names.items() if not there}
    assert {name.split(".")[0] for name in missing} <= ONLY_RTX
    # And in the product that has them all, so that no name is merely misspelt.
    for name in names:
        found = trt
        for part in name.split("."):
            assert hasattr(found, part), name
            found = getattr(found, part)


def test_layers_are_added_in_the_same_way(
    described: tuple[dict[str, bool], dict[str, str | None]],
) -> None:
    _, signatures = described
    assert "add_kv_cache_update" in signatures
    for name, doc in signatures.items():
        ours = signature(getattr(trt.INetworkDefinition, name).__doc__)
        assert ours.startswith(f"{name}(")
        assert signature(doc) == ours
