# SPDX-License-Identifier: Apache-2.0
"""Story and beat scripts: what a file or a message may hold."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from shotstream_bridge import BeatMode, BeatScript, StoryScript

CUT = {"text": "A fox."}


def story(**changes: Any) -> StoryScript:
    return StoryScript.model_validate({"global_caption": "Snow.", "seed": 1, "beats": [CUT], **changes})


def test_defaults() -> None:
    beat = story().beats[0]
    assert (beat.id, beat.mode, beat.policy, beat.chunks) == (None, BeatMode.CUT, None, None)


def test_text_is_stripped_before_it_is_measured() -> None:
    assert BeatScript(text="  " + "x" * 2000 + "\n").text == "x" * 2000


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"beats": []}, "beats", "at least 1"),
        ({"beats": [{**CUT, "mode": "continue"}]}, "", "beats.0.mode is continue, but there is no shot yet"),
        ({"beats": [{**CUT, "id": "a"}, {**CUT, "id": "a"}]}, "", "beats.1.id repeats a"),
        ({"beats": [{"text": ""}]}, "beats.0.text", "is empty"),
        ({"beats": [{"text": "x" * 20_000}]}, "beats.0.text", "has 20000 characters, at most 2000"),
        ({"beats": [{"text": "\ud800"}]}, "beats.0.text", ""),
        ({"beats": [{"text": "bell \a"}]}, "beats.0.text", "control character U+0007"),
        ({"beats": [{**CUT, "chunks": 201}]}, "beats.0.chunks", "200"),
        ({"beats": [{**CUT, "chunks": "3"}]}, "beats.0.chunks", "integer"),
        ({"beats": [{**CUT, "lens": 1}]}, "beats.0.lens", "not permitted"),
        ({"beats": [{**CUT, "id": "a/b"}]}, "beats.0.id", "pattern"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"seed": 2**63}, "seed", "less than or equal"),
        ({"seed": True}, "seed", "integer"),
        ({"global_caption": "x" * 8_001}, "global_caption", "has 8001 characters"),
        ({"title": "x" * 201}, "title", "at most 200"),
        ({"mood": "dark"}, "mood", "not permitted"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        story(**changes)
    (first, *_) = caught.value.errors()
    assert ".".join(map(str, first["loc"])) == place
    assert words in first["msg"]
