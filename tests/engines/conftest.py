# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the engines' tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file
from shotstream_runtime.model import Student, StudentConfig


@pytest.fixture(scope="module")
def golden_student(golden_dir: Path) -> Student:
    student = Student(StudentConfig.from_json(golden_dir / "student_config.json")).eval()
    weights = load_file(golden_dir / "student_weights.safetensors")
    student.load_state_dict({name.removeprefix("model."): weight for name, weight in weights.items()})
    return student.requires_grad_(False)
