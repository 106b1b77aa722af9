# SPDX-License-Identifier: Apache-2.0
"""Notices of company and of moving cameras: where they are due, and where they would be false alarms."""

from __future__ import annotations

import pytest
from shotstream_runtime.codecs.mini_limits import limit_notices
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.mini_words import WordReader, split_prompt
from shotstream_runtime.codecs.prompt import shot_prompt
from shotstream_runtime.codecs.text import CaptionNotice
from shotstream_runtime.weights.locate import MINI_FOLDER

FOX = "A fox in a red coat in the forest."


@pytest.fixture(scope="module")
def reader() -> WordReader:
    return MiniTextEncoder.load(MINI_FOLDER).reader


def notice(reader: WordReader, code: str, prompt: str) -> CaptionNotice | None:
    found = [notice for notice in limit_notices(prompt, reader) if notice.code == code]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("global_caption", "text", "words"),
    [
        (FOX, "the fox meets a bear.", ("fox", "bear")),
        (FOX, "a bear walks.", ("fox", "bear")),
        # The global caption directly before the marker, without a full stop.
        ("The girl and a fox", "close-up", ("girl", "fox")),
        ("A story about a penguin and a knight.", "Wide shot: the penguin walks.", ("penguin", "knight")),
        ("A fox, bear and rabbit.", "they walk.", ("fox", "bear", "rabbit")),
        ("The girl's cat.", "it jumps.", ("girl", "cat")),
        ("Two foxes in the forest.", "they run.", ("foxes",)),
        (FOX, "the foxes run.", ("fox", "foxes")),
        (FOX, "another fox waves.", ("fox",)),
        (FOX, "the fox waves to her friends.", ("fox", "friends")),
        ("Two friends: a bear and a rabbit.", "close-up", ("bear", "rabbit")),
    ],
)
def test_company_is_told(reader: WordReader, global_caption: str, text: str, words: tuple[str, ...]) -> None:
    found = notice(reader, "several_characters", shot_prompt(global_caption, 0, text))
    assert found is not None
    assert found.words == words
    assert all(f"'{word}'" in found.text for word in words)
    assert "one character" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "the fox and its hat.",
        "the fox walks, then the fox runs and a fox waves.",
        "the vixen's coat.",  # another word for the same kind
        "he waves both hands; she smiles; they run.",
        "it jumps together with the wind.",
        "the fox in a bear hat.",
        "a robot fox spins.",
        "the fox runs like a rabbit.",
        "the fox is dressed as a knight.",
        "the fox is bigger than a cat.",
        "the fox walks without the bear.",
        "a kids' cartoon: the fox stands.",
        "our friend, the friendly fox.",
        "the second shot of the fox, with the other scarf.",
        "a wolf waves.",  # outside the lexicon: drawn as a fox, and told so
    ],
)
def test_one_character_is_one_however_it_is_called(reader: WordReader, text: str) -> None:
    assert notice(reader, "several_characters", shot_prompt(FOX, 1, text)) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the fox walks, the camera pans.", "camera pans"),
        ("The camera slowly pushes in", "camera slowly pushes"),
        ("the camera is moving closer", "camera is moving"),
        ("the camera starts to follow the fox", "camera starts to follow"),
        ("the camera sweeps to the side", "camera sweeps"),
        ("Camera movement: left to right", "camera movement"),
        ("tracking shot of the fox", "tracking shot"),
        ("slow push-in on the fox", "slow push-in"),
        ("the fox stands. Slow zoom in", "slow zoom"),
        ("the fox stands, pushing in", "pushing in"),
        ("pan across the forest", "pan across"),
        ("we zoom out", "zoom out"),
    ],
)
def test_a_moving_camera_is_told(reader: WordReader, text: str, words: str) -> None:
    found = notice(reader, "moving_camera", shot_prompt(FOX, 0, text))
    assert found is not None
    assert found.words == (words,)
    assert f"'{words}'" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "static camera, the camera is still.",
        "fixed camera: the fox moves.",
        "locked camera. The fox turns and follows the path",
        "the camera does not move",
        "the fox walks towards the camera and turns",
        "the fox waves at the camera",
        "the fox leaves tracks in the snow",
        "the fox pushes a cart into the kitchen",
        "the fox moves closer to the pan on the stove",
        "the fox dashes past the camera, then follows the shore",
        "the fox sweeps the street",
    ],
)
def test_a_camera_at_rest_is_no_matter(reader: WordReader, text: str) -> None:
    assert notice(reader, "moving_camera", shot_prompt(FOX, 0, text)) is None


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("the fox stands without a hat.", "without a hat"),
        ("the fox doesn't run any more", "doesn't run"),
        ("It is not wearing its red coat, it waves", "not wearing its red"),
        ("no bear in sight", "no bear"),
    ],
)
def test_what_is_denied_is_told(reader: WordReader, text: str, phrase: str) -> None:
    found = notice(reader, "negation", shot_prompt(FOX, 1, text))
    assert found is not None
    assert found.words == (phrase,)


@pytest.mark.parametrize(
    "text", ["the camera does not move", "no, the fox runs", "the fox knows no fear at all"]
)
def test_a_denial_of_what_mini_never_draws_is_no_matter(reader: WordReader, text: str) -> None:
    assert notice(reader, "negation", shot_prompt(FOX, 1, text)) is None


def test_both_at_once_reach_the_encoders_notices() -> None:
    encoder = MiniTextEncoder.load(MINI_FOLDER)
    prompt = shot_prompt(FOX, 0, "the fox meets a bear, the camera pans.")
    assert [notice.code for notice in encoder.encode(prompt).notices] == [
        "several_characters",
        "moving_camera",
    ]


def test_captions_of_the_world_are_judged_by_what_they_show(reader: WordReader) -> None:
    world = pytest.importorskip("shotstream_training.world", reason="the grammar needs the training extra")
    captions = pytest.importorskip("shotstream_training.world.captions")
    moves = [phrase for name in ("pan", "push") for phrase in captions._CAMERA_PHRASES[name]]
    alone = together = moving = 0
    for seed in range(300):
        story = world.sample_story(world.story_rng(seed, "held_out"))
        for index in range(len(story.shots)):
            for _, caption in world.shot_captions(story, index):
                prompt = shot_prompt(story.global_caption, index, caption)
                asked = any(move in caption.lower() for move in moves)
                assert (notice(reader, "moving_camera", prompt) is not None) == asked, prompt
                moving += asked
                if len(story.characters) == 1:
                    assert notice(reader, "several_characters", prompt) is None, prompt
                    alone += 1
                if len({character.kind for character in story.characters}) > 1 and " and " in caption:
                    together += notice(reader, "several_characters", prompt) is not None
    assert alone > 200
    assert together > 50
    assert moving > 100


def test_a_global_caption_without_a_full_stop_keeps_its_last_word() -> None:
    prompt = shot_prompt("A fox in the forest", 12, "the fox walks")
    assert split_prompt(prompt) == ["a", "fox", "in", "the", "forest", "shot{}:", "the", "fox", "walks"]
