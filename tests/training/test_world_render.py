# SPDX-License-Identifier: Apache-2.0
"""The storyboard world's pictures: deterministic, complete, in frame, and telling the truth."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from shotstream_training.world import ground_truth, render_shot, render_story_arrays, sample_story, story_rng
from shotstream_training.world import spec as s
from shotstream_training.world.characters import draw_character
from shotstream_training.world.faces import FACES, LOOKS
from shotstream_training.world.motion import poses
from shotstream_training.world.palette import OUTFIT_HUE, graded, outfit
from shotstream_training.world.render import render_backdrop
from shotstream_training.world.scenery import PAINTERS


def one_shot(
    *, kind: str = "fox", framing: str = "wide", camera: str = "static", setting: str = "meadow",
    beats: tuple[tuple[int, str], ...] = ((0, "stand"),), frames: int = 24, seed: int = 3, time: str = "day",
) -> s.StorySpec:  # fmt: skip
    who = s.CharacterSpec(kind, "blue", "scarf", "yellow")
    told = tuple(s.BeatSpec(first, (action,), "") for first, action in beats)
    return s.StorySpec(
        11, (who,), "", (s.ShotSpec((0,), setting, time, framing, camera, told, frames, seed),)
    )


def test_same_story_gives_same_bytes_and_seeds_differ():
    story = sample_story(story_rng(5), shots=2, frames=21)
    again = sample_story(story_rng(5), shots=2, frames=21)
    assert story == again
    for a, b in zip(render_story_arrays(story), render_story_arrays(again), strict=True):
        assert a.shape == (21, 80, 128, 3)
        assert a.dtype == np.uint8
        np.testing.assert_array_equal(a, b)
    other = sample_story(story_rng(6), shots=2, frames=21)
    assert not np.array_equal(render_shot(other, 0), render_shot(story, 0))


def test_every_name_of_the_world_can_be_drawn():
    assert set(s.KINDS) == set(FACES) == set(LOOKS)
    assert set(s.SETTINGS) == set(PAINTERS)
    assert set(s.COLOURS) == set(OUTFIT_HUE)
    hues = sorted(OUTFIT_HUE.values())
    gaps = np.diff([*hues, hues[0] + 360])
    assert gaps.min() >= 23


def test_kinds_have_different_silhouettes():
    """In the same clothes and pose, any two kinds differ in many pixels of their outline."""
    shapes = {}
    for kind in s.KINDS:
        image = np.zeros((160, 160, 3), np.uint8)
        pose = poses(
            [(0, "stand")], 1, height=53, framing="medium", x=40, x_range=(40, 40), facing=1.0,
            rng=np.random.default_rng(0),
        )[0]  # fmt: skip
        who = s.CharacterSpec(kind, "blue", "scarf", "yellow")
        draw_character(image, who, pose, x=40, ground=74, height=53, time="day")
        shapes[kind] = image.any(axis=-1)
    for a in s.KINDS:
        for b in s.KINDS:
            if a < b:
                assert (shapes[a] ^ shapes[b]).sum() > 60, (a, b)


@pytest.mark.parametrize("framing", s.FRAMINGS)
@pytest.mark.parametrize("camera", s.CAMERAS)
def test_subject_is_in_the_picture_and_large_enough(framing: str, camera: str):
    for seed in range(6):
        action = ("walk", "run", "jump", "spin")[seed % 4] if framing != "close" else "jump"
        story = one_shot(framing=framing, camera=camera, beats=((0, action),), frames=81, seed=seed)
        for truth in ground_truth(story, 0):
            (where,) = truth.characters
            assert where.height >= 28
            assert 8 <= where.x <= 120
            if framing != "close":
                assert where.ground <= 79
                assert where.ground - (1.0 + where.lift) * where.height >= 0


def test_beats_change_the_action_at_their_frame():
    story = one_shot(beats=((0, "stand"), (21, "jump")), frames=57, framing="wide")
    truth = ground_truth(story, 0)
    assert [t.actions[0] for t in truth[19:23]] == ["stand", "stand", "jump", "jump"]
    lifts = np.array([t.characters[0].lift for t in truth])
    assert lifts[:21].max() < 0.02
    assert lifts[21:].max() > 0.25
    # The first frames of a changed shot are those of the unchanged one.
    before = render_shot(one_shot(beats=((0, "stand"),), frames=57, framing="wide"), 0)
    np.testing.assert_array_equal(render_shot(story, 0)[:21], before[:21])


def test_motion_is_moderate_and_smooth():
    for action in s.ACTIONS:
        story = one_shot(framing="medium", beats=((0, action),), frames=60)
        xs = np.array([t.characters[0].x for t in ground_truth(story, 0)])
        assert np.abs(np.diff(xs)).max() < 4.0
        frames = render_shot(story, 0).astype(np.float32)
        steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
        assert steps.max() < 14.0, action
        assert steps.mean() > 0.02, action


def test_camera_truth_matches_the_picture():
    still = one_shot(camera="static", frames=21)
    np.testing.assert_array_equal(
        render_backdrop(still.shots[0], 1, 0), render_backdrop(still.shots[0], 1, 20)
    )
    for camera in ("pan", "push"):
        story = one_shot(camera=camera, frames=21)
        truth = ground_truth(story, 0)
        assert (abs(truth[-1].pan - truth[0].pan) > 20) == (camera == "pan")
        assert (truth[-1].zoom / truth[0].zoom > 1.2) == (camera == "push")
        first, last = (render_backdrop(story.shots[0], 1, f).astype(int) for f in (0, 20))
        assert np.abs(first - last).mean() > 1.0


def test_backdrops_are_never_as_saturated_as_outfits():
    for time in s.TIMES:
        for colour in ((20, 200, 40), (128, 164, 184), (255, 0, 0)):
            shade = graded(colour, time)
            assert 1 - min(shade) / max(shade) <= 0.51
    for name in s.COLOURS:
        assert 1 - min(outfit(name)) / max(outfit(name)) >= 0.69


def test_times_of_day_differ_and_nights_are_darker():
    means = {t: render_backdrop(one_shot(time=t).shots[0], 1).mean() for t in s.TIMES}
    assert means["night"] < 0.6 * means["day"]
    assert means["sunset"] < means["day"]


def test_longer_shots_and_two_characters_stay_in_frame():
    story = sample_story(story_rng(2), shots=3, frames=201, two_characters=1.0)
    beats = (s.BeatSpec(0, ("run", "walk"), ""),)
    shots = tuple(replace(shot, cast=(0, 1), framing="wide", beats=beats) for shot in story.shots)
    wide = replace(story, shots=shots)
    for index in range(3):
        for truth in ground_truth(wide, index):
            left, right = truth.characters
            assert 5 < left.x < right.x < 123


def test_worker_side_is_picklable_and_free_of_torch():
    story = sample_story(story_rng(1), shots=1, frames=9)
    assert pickle.loads(pickle.dumps(story)) == story  # noqa: S301
    code = "import sys, shotstream_training.world; assert 'torch' not in sys.modules, 'torch was imported'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_missing_shot_is_an_error():
    with pytest.raises(IndexError):
        render_shot(one_shot(), 1)
