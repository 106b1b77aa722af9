# SPDX-License-Identifier: Apache-2.0
"""Measurement: the renderer's own frames score almost perfectly, and wrong ones are seen to be wrong."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from shotstream_training.world import StorySpec, render_shot, sample_story, story_rng
from shotstream_training.world import spec as s
from shotstream_training.world.measure import dynamic_degree, find_cuts, measure_shot, shot_cut_accuracy
from shotstream_training.world.measure.shot import ShotMeasure

FRAMES = 45


def solo(**changes: object) -> StorySpec:
    who = s.CharacterSpec("cat", "red", "hat", "blue")
    shot = s.ShotSpec((0,), "forest", "day", "medium", "static", (s.BeatSpec(0, ("walk",), ""),), FRAMES, 5)
    return StorySpec(21, (who,), "", (replace(shot, **changes),))


@pytest.fixture(scope="module")
def own_measures() -> list[tuple[StorySpec, int, ShotMeasure]]:
    stories = [sample_story(story_rng(seed, "held_out"), shots=4) for seed in range(6)]
    return [(st, i, measure_shot(render_shot(st, i), st, i)) for st in stories for i in range(4)]


def test_rendered_shots_score_almost_perfectly(own_measures: list[tuple[StorySpec, int, ShotMeasure]]):
    measures = [m for _, _, m in own_measures]
    assert all(m.all_present for m in measures)
    assert max(m.worst_hue_error for m in measures) < 3.0
    assert all(m.setting_right for m in measures)
    assert all(m.framing_right for m in measures)
    assert np.mean([m.time_right for m in measures]) >= 0.95
    assert np.mean([m.camera_right for m in measures]) >= 0.9
    assert np.mean([m.action_share for m in measures]) >= 0.9


def test_measures_survive_blur_and_noise():
    story = solo()
    rng = np.random.default_rng(0)
    rough = np.stack([cv2.GaussianBlur(f, (0, 0), 0.8) for f in render_shot(story, 0)])
    noisy = np.clip(rough + rng.normal(0, 6, rough.shape), 0, 255).astype(np.uint8)
    measure = measure_shot(noisy, story, 0)
    assert measure.all_present
    assert measure.worst_hue_error < 8
    assert (measure.setting, measure.characters[0].framing) == ("forest", "medium")


def test_wrong_colours_are_seen():
    frames = render_shot(solo(), 0)
    story = solo()
    wrong_coat = replace(story, characters=(replace(story.characters[0], coat="green"),))
    wrong_hat = replace(story, characters=(replace(story.characters[0], accessory_colour="pink"),))
    swapped = replace(story, characters=(s.CharacterSpec("cat", "blue", "hat", "red"),))
    (cat,) = measure_shot(frames, wrong_coat, 0).characters
    assert cat.coat_error == pytest.approx(134, abs=3)
    assert cat.accessory_error < 3
    (cat,) = measure_shot(frames, wrong_hat, 0).characters
    assert cat.accessory_error == pytest.approx(118, abs=3)
    assert measure_shot(frames, swapped, 0).worst_hue_error > 100


def test_wrong_setting_framing_action_camera_are_seen():
    frames = render_shot(solo(), 0)
    story = solo(setting="beach", framing="wide", camera="pan", beats=(s.BeatSpec(0, ("jump",), ""),))
    measure = measure_shot(frames, story, 0)
    assert not measure.setting_right
    assert not measure.framing_right
    assert not measure.camera_right
    assert measure.action_share == 0.0


def test_an_empty_set_has_no_subject():
    story = solo()
    empty = render_shot(
        replace(story, shots=(replace(story.shots[0], cast=(), beats=story.shots[0].beats),)), 0
    )
    measure = measure_shot(empty, story, 0)
    assert not measure.all_present
    assert measure.worst_hue_error == 180.0
    assert measure.setting_right


def test_two_characters_are_told_apart_wherever_they_stand():
    cast = (s.CharacterSpec("fox", "blue", "scarf", "pink"), s.CharacterSpec("fox", "green", "hat", "purple"))
    shot = s.ShotSpec(
        (0, 1), "meadow", "day", "wide", "static", (s.BeatSpec(0, ("wave", "stand"), ""),), FRAMES, 8
    )
    story = StorySpec(4, cast, "", (shot,))
    crossed = replace(
        story, shots=(replace(shot, cast=(1, 0), beats=(s.BeatSpec(0, ("stand", "wave"), ""),)),)
    )
    for frames in (render_shot(story, 0), render_shot(crossed, 0)):
        measure = measure_shot(frames, story, 0)
        assert measure.worst_hue_error < 3
        assert measure.action_share == 1.0


def test_beats_are_measured_apart():
    story = solo(frames=81, beats=(s.BeatSpec(0, ("stand",), ""), s.BeatSpec(33, ("jump",), "")))
    measure = measure_shot(render_shot(story, 0), story, 0)
    assert measure.characters[0].actions == ("stand", "jump")


def test_cuts_are_found_where_they_are():
    story = sample_story(story_rng(3, "held_out"), shots=4, frames=33)
    clip = np.concatenate([render_shot(story, i) for i in range(4)])
    assert find_cuts(clip) == [33, 66, 99]
    assert find_cuts(clip[:33]) == []
    assert shot_cut_accuracy([33, 66, 99], [33, 66, 99], 132) == 1.0
    assert shot_cut_accuracy([34, 66], [33, 66, 99], 132) == pytest.approx(np.exp(-(1 + 33) / 132))
    assert shot_cut_accuracy([33, 50, 66, 99], [33, 66, 99], 132) == pytest.approx(np.exp(-33 / 132))


def test_dynamic_degree_orders_actions():
    def degree(action: str) -> float:
        return dynamic_degree(render_shot(solo(beats=(s.BeatSpec(0, (action,), ""),)), 0))

    assert degree("stand") < degree("walk") < degree("run")
    assert dynamic_degree(render_shot(solo(), 0)[:1]) == 0.0


def test_frames_of_another_form_are_refused():
    with pytest.raises(ValueError, match=r"frames must be uint8 \[n, 80, 128, 3\]"):
        measure_shot(np.zeros((4, 64, 96, 3), np.uint8), solo(), 0)
