# SPDX-License-Identifier: Apache-2.0
"""The checks find typical mistakes: each is made in a copy of the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_layer import PLUGIN, needs_clang
from unreal_check.mutations import (
    TABLE,
    Mutation,
    MutationNotApplied,
    apply,
    read_mutations,
    table,
    try_mutation,
)

MUTATIONS = read_mutations()


def parameters() -> list[object]:
    compiled = [needs_clang, pytest.mark.slow]
    return [pytest.param(m, id=m.name, marks=() if m.quick else compiled) for m in MUTATIONS]


@pytest.mark.parametrize("mutation", parameters())
def test_the_mistake_is_found(mutation: Mutation, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cache = request.config.cache.mkdir("unreal_check")
    outcome = try_mutation(mutation, PLUGIN, tmp_path, cache)
    assert outcome.as_stated, outcome.findings


def test_most_mistakes_are_found() -> None:
    assert len(MUTATIONS) >= 30
    assert sum(not mutation.missed for mutation in MUTATIONS) >= 28


def test_the_table_is_current() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(MUTATIONS), "check.py --write-mutations"


def test_a_mistake_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    gone = Mutation("gone", "-", "ShotStream.uplugin", "no such text", "", "descriptor", "descriptor")
    with pytest.raises(MutationNotApplied, match=r"'no such text' is 0 times in ShotStream\.uplugin"):
        apply(gone, PLUGIN, tmp_path)
