# SPDX-License-Identifier: Apache-2.0
"""What an install offers: the extras, and a pin for everything they ask for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
FREE = {"tensorrt"}  # its installer chooses by the machine


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_extra_of_the_design_is_there(project: dict[str, dict[str, list[str]]]) -> None:
    extras = project["optional-dependencies"]
    assert set(extras) == {"runtime", "tensorrt", "tensorrt-rtx", "distributed", "training", "dev"}
    for name in ("tensorrt", "tensorrt-rtx", "distributed", "training"):
        assert "shotstream[runtime]" in extras[name]


def test_every_requirement_has_a_pin_that_satisfies_it(project: dict[str, dict[str, list[str]]]) -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert canonicalize_name(name) not in pins, f"{name} is pinned twice"
            pins[canonicalize_name(name)] = version
    wanted = [
        *project["dependencies"],
        *(line for lines in project["optional-dependencies"].values() for line in lines),
    ]
    for line in wanted:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name == "shotstream" or name in FREE:
            continue
        assert requirement.specifier.contains(pins[name]), f"{line}: constraints.txt has {pins.get(name)}"
