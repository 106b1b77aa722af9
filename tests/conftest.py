# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by every component's tests: the folder of golden numbers and readers for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

GOLDEN_DIR_VARIABLE = "SHOTSTREAM_GOLDEN_DIR"
"""Names another folder in the format of tests/golden/README.md, with dimensions of its own."""

GoldenJson = Callable[[str], dict[str, Any]]
GoldenTensors = Callable[[str], Mapping[str, Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a CUDA device are skipped where there is none."""
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not on_gpu:
        return
    import torch

    if not torch.cuda.is_available():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True)
def _float32_on_a_gpu(request: pytest.FixtureRequest) -> None:
    """Tests on a GPU hold float32 to float32: products and convolutions are not to be rounded to TF32."""
    if request.node.get_closest_marker("gpu"):
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """The folder of golden numbers.

    A folder given by SHOTSTREAM_GOLDEN_DIR is never silently replaced: when it does not exist the tests fail.
    """
    given = os.environ.get(GOLDEN_DIR_VARIABLE)
    folder = Path(given) if given else Path(__file__).parent / "golden"
    if not folder.is_dir():
        pytest.fail(f"{GOLDEN_DIR_VARIABLE}={given!r}: no such folder (resolved to {folder.absolute()})")
    return folder


@pytest.fixture(scope="session")
def golden_json(golden_dir: Path) -> GoldenJson:
    """Reads a JSON file of the golden folder, `golden_json("vae_config")`."""

    def read(name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((golden_dir / f"{name}.json").read_text(encoding="utf-8"))
        return content

    return read


@pytest.fixture(scope="session")
def golden_tensors(golden_dir: Path) -> GoldenTensors:
    """Reads a safetensors file of the golden folder once, `golden_tensors("vae_io")["in.decode.l3.latent"]`.

    The tensors are shared by all tests of the session: never write into them.
    """
    # Imported here so that tests of the bridge do not load torch.
    from safetensors.torch import load_file

    loaded: dict[str, Mapping[str, Any]] = {}

    def read(name: str) -> Mapping[str, Any]:
        if name not in loaded:
            loaded[name] = load_file(golden_dir / f"{name}.safetensors")
        return loaded[name]

    return read
