# SPDX-License-Identifier: Apache-2.0
"""Evaluation: beats of a story, measuring, intervals, table."""

import numpy as np
from shotstream_training.evaluate import story_beats
from shotstream_training.measures import Interval, difference, interval, measure_story, summarise, table
from shotstream_training.world import StorySpec, render_shot, sample_story, story_rng


def story_with_a_change() -> StorySpec:
    for seed in range(50):
        spec = sample_story(story_rng(seed, "held_out"), 2, split="held_out")
        if len(spec.shots[0].beats) == 2:
            return spec
    raise AssertionError("no story with a changing caption among the first fifty")


def test_beats_cover_every_shot_in_whole_chunks() -> None:
    spec = story_with_a_change()
    beats = story_beats(spec)
    assert [beat.mode for beat in beats[:2]] == ["cut", "continue"]
    assert beats[0].chunks is not None
    # The first chunk decodes to 9 frames, every later one to 12.
    assert 9 + 12 * (beats[0].chunks - 1) == spec.shots[0].beats[1].first_frame
    for shot in range(2):
        assert sum(beat.chunks or 0 for beat in beats if beat.id.startswith(f"shot{shot}.")) == 7


def test_the_truth_measures_well_and_the_wrong_story_does_not() -> None:
    spec = sample_story(story_rng(1, "held_out"), 2, split="held_out", two_characters=0.0)
    other = sample_story(story_rng(2, "held_out"), 2, split="held_out", two_characters=0.0)
    shots = [render_shot(spec, shot) for shot in range(2)]
    right, wrong = measure_story(spec, shots), measure_story(other, shots)
    assert right["present"] == [1.0, 1.0]
    assert np.median(right["hue_error"]) < 8 < np.median(wrong["hue_error"])
    assert right["setting"] == [1.0, 1.0]
    assert right["cuts"][0] > 0.97


def test_summary_takes_medians_of_errors_and_resamples_stories() -> None:
    stories = [
        {"present": [1.0, 1.0], "hue_error": [1.0, 2.0]},
        {"present": [0.0, 1.0], "hue_error": [3.0, 90.0]},
    ]
    summary = summarise(stories)
    assert summary["present"].value == 0.75
    assert summary["hue_error"].value == 2.5
    assert summary["present"].low == 0.5
    assert summary["present"].high == 1.0


def test_table_has_a_line_per_measure() -> None:
    column = {"present": Interval(0.9, 0.8, 1.0), "hue_error": Interval(4.25, 2.0, 6.5)}
    lines = table({"rendered": column, "mini": column}).splitlines()
    assert lines[0] == "| measure | rendered | mini |"
    assert lines[2] == "| present | 0.900 [0.800, 1.000] | 0.900 [0.800, 1.000] |"
    assert lines[3].startswith("| hue_error | 4.2 [2.0, 6.5]")


def test_a_redirection_counts_where_the_second_action_is_seen() -> None:
    spec = story_with_a_change()
    shots = [render_shot(spec, shot) for shot in range(2)]
    story = measure_story(spec, shots)
    assert story["redirected"] == [1.0] * len(story["redirected"])
    assert f"redirected to {spec.shots[0].beats[1].actions[0]}" in story
    # The first action shown to the end is not what the second caption asks for.
    first = spec.shots[0].beats[1].first_frame
    frozen = [np.concatenate([shots[0][:first], shots[0][: len(shots[0]) - first]]), shots[1]]
    assert np.mean(measure_story(spec, frozen)["redirected"]) < np.mean(story["redirected"])


def test_a_summary_leaves_out_what_no_story_has() -> None:
    summary = summarise([{"present": [1.0]}, {"present": [0.0], "redirected": [1.0]}])
    assert summary["redirected"].value == 1.0
    assert "redirected to walk" not in summary


def test_seeds_widen_an_interval_and_pairs_narrow_a_difference() -> None:
    alike = [[[0.0], [1.0], [0.0], [1.0]]] * 3
    apart = [[[0.0]] * 4, [[1.0]] * 4, [[0.5]] * 4]
    assert interval("present", apart).low == 0.0
    assert interval("present", apart).high == 1.0
    better = [[[value + 0.1 for value in story] for story in stories] for stories in alike]
    gain = difference("present", better, alike)
    assert interval("present", better).low < interval("present", alike).high
    assert abs(gain.value - 0.1) < 1e-12
    assert abs(gain.low - 0.1) < 1e-12
    assert abs(gain.high - 0.1) < 1e-12
