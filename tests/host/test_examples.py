# SPDX-License-Identifier: Apache-2.0
"""The stories that are shipped: readable, and inside mini's world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shotstream_bridge.story import BeatMode
from shotstream_runtime.codecs.prompt import shot_prompt
from shotstream_runtime.host.story_file import read_story

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "runtime" / "shotstream_runtime" / "cli" / "demo_story.yaml"
STORIES = [
    DEMO,
    *sorted((REPOSITORY / "examples").glob("*.yaml")),
    *sorted((REPOSITORY / "examples").glob("*.json")),
]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.name)
def test_mini_knows_every_word(path: Path, tiny_loaded: Any) -> None:
    story = read_story(path)
    shot = -1
    for beat in story.beats:
        shot += beat.mode is BeatMode.CUT
        features = tiny_loaded.text.encode(shot_prompt(story.global_caption, shot, beat.text))
        assert features.notices == ()


def test_there_are_examples_of_every_kind() -> None:
    suffixes = [path.suffix for path in STORIES]
    assert suffixes.count(".yaml") >= 3
    assert suffixes.count(".json") >= 1
    modes = {beat.mode for path in STORIES for beat in read_story(path).beats}
    assert modes == set(BeatMode)
