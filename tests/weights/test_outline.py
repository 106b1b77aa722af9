# SPDX-License-Identifier: Apache-2.0
"""What is known of a model before it is loaded is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shotstream_runtime.weights.load import load_model
from shotstream_runtime.weights.outline import ModelOutline, read_outline
from weights.published_folder import TinyPublished


@pytest.mark.parametrize("kind", ["pickle", "safetensors", "diffusers"])
def test_a_published_folder(tmp_path: Path, kind: Any) -> None:
    folder = TinyPublished().write(tmp_path / kind, kind)
    assert read_outline(folder) == ModelOutline.of(load_model(folder))


def test_mini() -> None:
    outline = read_outline("mini")
    assert outline == ModelOutline.of(load_model("mini"))
    assert len(outline.profile.weights_hash) == 64
