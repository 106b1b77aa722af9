# SPDX-License-Identifier: Apache-2.0
"""Stories and captions: well-formed, varied, true to what is drawn, and never leaking held-out ones."""

import re
from collections import Counter

import pytest
from shotstream_runtime.codecs.mini_lexicon import load_lexicon
from shotstream_runtime.codecs.prompt import shot_prompt
from shotstream_training.world import sample_story, shot_captions, story_rng
from shotstream_training.world import spec as s
from shotstream_training.world.palette import OUTFIT_HUE
from shotstream_training.world.stories import hue_distance, is_novel

STORIES = [sample_story(story_rng(seed)) for seed in range(300)]
LEXICON = load_lexicon()


def concepts(text: str, group: str) -> set[str]:
    found = set()
    for word in re.findall(r"[a-z]+", text.lower()):
        concept = LEXICON.by_word.get(word)
        if concept is not None and concept.group == group:
            found.add(concept.name)
    return found


def test_stories_are_well_formed():
    for story in STORIES:
        assert 1 <= len(story.characters) <= 2
        assert len(story.shots) == 5
        for who in story.characters:
            assert not is_novel(who)
            assert hue_distance(OUTFIT_HUE[who.coat], OUTFIT_HUE[who.accessory_colour]) >= 45
        for shot in story.shots:
            assert shot.cast
            assert set(shot.cast) <= set(range(len(story.characters)))
            assert shot.beats[0].first_frame == 0
            for beat in shot.beats:
                assert len(beat.actions) == len(shot.cast)
                assert beat.caption.strip()
                assert beat.first_frame == 0 or s.is_chunk_boundary(beat.first_frame)
                if shot.framing == "close":
                    assert set(beat.actions) <= set(s.CLOSE_ACTIONS)


def test_everything_the_world_has_occurs():
    shots = [shot for story in STORIES for shot in story.shots]
    assert {shot.setting for shot in shots} == set(s.SETTINGS)
    assert {shot.time for shot in shots} == set(s.TIMES)
    assert {shot.framing for shot in shots} == set(s.FRAMINGS)
    assert {shot.camera for shot in shots} == set(s.CAMERAS)
    assert {a for shot in shots for beat in shot.beats for a in beat.actions} == set(s.ACTIONS)
    assert {who.kind for story in STORIES for who in story.characters} == set(s.KINDS)
    assert {who.coat for story in STORIES for who in story.characters} == set(s.COLOURS)
    changed = sum(len(shot.beats) > 1 for shot in shots) / len(shots)
    assert 0.12 < changed < 0.32


def test_confusable_casts_occur():
    pairs = [story.characters for story in STORIES if len(story.characters) == 2]
    assert 0.25 < len(pairs) / len(STORIES) < 0.55
    same_kind = sum(a.kind == b.kind for a, b in pairs)
    same_clothes = sum((a.coat, a.accessory_colour) == (b.coat, b.accessory_colour) for a, b in pairs)
    assert same_kind > 0.15 * len(pairs)
    assert same_clothes > 0.08 * len(pairs)


def test_identity_is_told_once_and_completely():
    told_globally = 0
    for story in STORIES:
        first = story.shots[0].beats[0].caption
        source = story.global_caption if concepts(story.global_caption, "kind") else first
        told_globally += source is story.global_caption
        for who in story.characters:
            assert who.kind in concepts(source, "kind")
            assert {who.coat, who.accessory_colour} <= concepts(source, "colour")
            assert who.accessory in concepts(source, "garment")
    assert 0.5 < told_globally / len(STORIES) < 0.8


def test_setting_and_time_are_told_where_they_change():
    for story in STORIES:
        setting = time = None
        known = story.global_caption
        for shot in story.shots:
            text = known + " " + shot.beats[0].caption
            if shot.setting != setting:
                assert shot.setting in concepts(text, "setting")
            if time is not None and shot.time != time:
                assert shot.time in concepts(shot.beats[0].caption, "time")
            if time is None and shot.time != "day":
                assert shot.time in concepts(text, "time")
            setting, time, known = shot.setting, shot.time, ""


def test_captions_agree_with_what_is_drawn():
    omitted = Counter()
    for story in STORIES:
        for shot in story.shots:
            caption = shot.beats[0].caption
            framing = concepts(caption, "framing")
            omitted["framing"] += not framing
            assert framing == {shot.framing} or (not framing and shot.framing == "medium"), caption
            camera = concepts(caption, "camera")
            omitted["camera"] += not camera
            assert camera == {shot.camera} or (not camera and shot.camera == "static"), caption
            for beat in shot.beats:
                assert concepts(beat.caption, "action") == set(beat.actions), beat.caption
    assert omitted["framing"] > 50
    assert omitted["camera"] > 300


def test_pronouns_stand_for_a_single_character_only():
    for story in STORIES:
        if len(story.characters) == 1:
            continue
        for shot in story.shots:
            for beat in shot.beats:
                words = set(re.findall(r"[a-z]+", beat.caption.lower()))
                assert not words & {"he", "she", "him", "her"}, beat.caption


def test_splits_share_nothing_and_novel_dresses_are_new():
    held_out = [sample_story(story_rng(seed, "held_out")) for seed in range(50)]
    assert not {story.seed for story in held_out} & {story.seed for story in STORIES}
    for seed in range(50):
        assert is_novel(sample_story(story_rng(seed, "novel"), split="novel").characters[0])


def test_shot_captions_and_prompt():
    story = next(story for story in STORIES if any(len(shot.beats) > 1 for shot in story.shots))
    index = next(i for i, shot in enumerate(story.shots) if len(shot.beats) > 1)
    (zero, first), (boundary, second) = shot_captions(story, index)
    assert zero == 0
    assert s.is_chunk_boundary(boundary)
    assert first != second
    assert shot_prompt("A fox.", 2, "It jumps.") == "A fox.shot2:It jumps."
    with pytest.raises(ValueError, match="counted from 0"):
        shot_prompt("", -1, "x")


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="shots=0"):
        sample_story(story_rng(0), shots=0)
