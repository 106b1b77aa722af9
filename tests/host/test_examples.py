# SPDX-License-Identifier: Apache-2.0
"""The stories that are shipped: readable, and inside mini's world."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shotstream_bridge.story import BeatMode
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.mini_words import split_prompt
from shotstream_runtime.codecs.prompt import shot_prompt
from shotstream_runtime.host.story_file import read_story
from shotstream_runtime.weights.locate import MINI_FOLDER

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "runtime" / "shotstream_runtime" / "cli" / "demo_story.yaml"
STORIES = [
    DEMO,
    *sorted((REPOSITORY / "examples").glob("*.yaml")),
    *sorted((REPOSITORY / "examples").glob("*.json")),
]


# For the published student: mini draws one character at a time.
BEYOND_MINI = {"two_friends.yaml": {"several_characters"}}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.name)
def test_mini_can_draw_it_or_says_what_it_cannot(path: Path) -> None:
    encoder = MiniTextEncoder.load(MINI_FOLDER)
    story = read_story(path)
    shot = -1
    codes = set()
    for beat in story.beats:
        shot += beat.mode is BeatMode.CUT
        prompt = shot_prompt(story.global_caption, shot, beat.text)
        codes |= {notice.code for notice in encoder.notices(prompt)}
    assert codes == BEYOND_MINI.get(path.name, set())


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.name)
def test_every_shot_says_who_where_and_what_happens(path: Path) -> None:
    reader = MiniTextEncoder.load(MINI_FOLDER).reader
    story = read_story(path)
    for beat in story.beats:
        named = Counter(
            concept.group
            for word in split_prompt(f"{story.global_caption} {beat.text}")
            if (concept := reader.read(word).concept) is not None
        )
        assert named.keys() >= {"kind", "setting", "action"}, beat.text
        own = {reader.read(word).concept for word in split_prompt(beat.text)}
        assert any(concept is not None and concept.group == "action" for concept in own), beat.text


def test_there_are_examples_of_every_kind() -> None:
    suffixes = [path.suffix for path in STORIES]
    assert suffixes.count(".yaml") >= 3
    assert suffixes.count(".json") >= 1
    modes = {beat.mode for path in STORIES for beat in read_story(path).beats}
    assert modes == set(BeatMode)


def test_the_steering_example_steers_and_says_so_in_words(serve: Any, tiny_loaded: Any) -> None:
    # As long a shot as mini's: the example acts at its frames 20 and 60.
    profile = tiny_loaded.profile.model_copy(update={"latent_frames_per_shot": 21})
    server = serve(model=replace(tiny_loaded, profile=profile))
    done = subprocess.run(
        [sys.executable, REPOSITORY / "examples" / "steer.py", server.address],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "start: accepted",
        "start: begins with frame 0, in shot 0",
        "start: first frame",
    ]
    told = "\n".join(lines)
    assert re.search(r"^start: interrupted after \d+ frames$", told, re.MULTILINE)
    assert re.search(r"^walk: begins with frame \d+, in shot 0$", told, re.MULTILINE)
    assert re.search(r"^beach: begins with frame \d+, in shot 1$", told, re.MULTILINE)
    assert re.search(r"^beach: completed after 81 frames$", told, re.MULTILINE)
    assert re.fullmatch(r"the story is over: 2 shots, \d+ frames", lines[-1])
    assert "=" not in told, "a raw object"
