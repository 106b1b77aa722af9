# SPDX-License-Identifier: Apache-2.0
"""Measures of stories against the ground truth, and their 95 % intervals."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shotstream_training.world import StorySpec
from shotstream_training.world.measure import find_cuts, measure_shot, shot_cut_accuracy

DECIMALS = 3
"""Of values in records."""

RESAMPLES = 2000
"""For a 95 % interval."""

HUE_LIMIT = 15.0
"""Degrees within which an outfit part counts as kept."""

MEDIANS = ("hue_error", "coat_error", "accessory_error", "later_coat", "later_accessory", "shot_error")
"""Measures of which the median is given; the mean of all others."""

DEGREES = (*MEDIANS, "dynamic")
"""Measures that are no shares."""

Story = dict[str, list[float]]
Measures = list[Story]
Seeds = Sequence[Sequence[Sequence[float]]]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean or median with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int) -> str:
        """``value [low, high]``."""
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def measure_story(spec: StorySpec, shots: Sequence[NDArray[np.uint8]]) -> Story:
    """Values of one story.

    Args:
        spec: The ground truth.
        shots: uint8 pictures ``[n, H, W, 3]`` per shot.

    Returns:
        Lists with one value per shot; per character and shot for ``coat_error``, ``accessory_error``,
        ``hue_error`` (two each), once more without the first shot for ``later_coat`` and
        ``later_accessory``, and for ``redirected`` (only where a caption changes, and once more by the
        action it asks for); one for ``cuts``.
    """
    measures = [measure_shot(frames, spec, shot) for shot, frames in enumerate(shots)]
    errors = [(who.coat_error, who.accessory_error) for m in measures for who in m.characters]
    lengths = [len(frames) for frames in shots]
    expected = np.cumsum(lengths)[:-1].tolist()
    found = find_cuts(np.concatenate(shots))
    story = {
        "present": [float(m.all_present) for m in measures],
        "hue_error": [error for pair in errors for error in pair],
        "coat_error": [coat for coat, _ in errors],
        "accessory_error": [accessory for _, accessory in errors],
        "later_coat": [who.coat_error for m in measures[1:] for who in m.characters],
        "later_accessory": [who.accessory_error for m in measures[1:] for who in m.characters],
        "shot_error": [m.worst_hue_error for m in measures],
        "hue_kept": [float(m.worst_hue_error <= HUE_LIMIT) for m in measures],
        "setting": [float(m.setting_right) for m in measures],
        "time": [float(m.time_right) for m in measures],
        "framing": [float(m.framing_right) for m in measures],
        "action": [m.action_share for m in measures],
        "camera": [float(m.camera_right) for m in measures],
        "cuts": [shot_cut_accuracy(found, expected, sum(lengths))],
        "dynamic": [m.dynamic_degree for m in measures],
    }
    for measure, shot in zip(measures, spec.shots, strict=True):
        for member, who in enumerate(measure.characters):
            for beat, seen in list(zip(shot.beats, who.actions, strict=False))[1:]:
                followed = float(seen == beat.actions[member])
                story.setdefault("redirected", []).append(followed)
                story.setdefault(f"redirected to {beat.actions[member]}", []).append(followed)
    return story


def centre(name: str, values: Values) -> Values:
    """The median of errors, the mean of everything else, over the last axis; NaN counts for nothing."""
    with warnings.catch_warnings():
        # Of nothing at all it is NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        middle: Values = np.nanmedian(values, axis=-1) if name in MEDIANS else np.nanmean(values, axis=-1)
    return middle


def interval(name: str, seeds: Seeds) -> Interval:
    """A measure's value and 95 % interval, resampling seeds and stories.

    Args:
        name: The measure.
        seeds: ``[seed][story]`` lists of values; every seed has the same stories.
    """
    values = _padded(seeds)
    return _bounded(centre(name, values.reshape(-1)), centre(name, _resampled(values)))


def difference(name: str, seeds: Seeds, others: Seeds) -> Interval:
    """A measure less that of another row over the same seeds and stories, which are resampled as pairs.

    Args:
        name: The measure.
        seeds: ``[seed][story]`` lists of values.
        others: The same of the row that is subtracted.
    """
    mine, theirs = _padded(seeds), _padded(others)
    value = centre(name, mine.reshape(-1)) - centre(name, theirs.reshape(-1))
    return _bounded(value, centre(name, _resampled(mine)) - centre(name, _resampled(theirs)))


def _padded(seeds: Seeds) -> Values:
    """``[seed, story, value]``, filled up with NaN."""
    longest = max((len(story) for stories in seeds for story in stories), default=0)
    padded = np.full((len(seeds), len(seeds[0]), max(longest, 1)), np.nan)
    for s, stories in enumerate(seeds):
        for n, story in enumerate(stories):
            padded[s, n, : len(story)] = story
    return padded


def _resampled(values: Values) -> Values:
    """``[RESAMPLES, all values]``; the same draws for all rows of as many seeds and stories."""
    rng = np.random.default_rng(0)
    seeds, stories = values.shape[:2]
    which = rng.integers(seeds, size=(RESAMPLES, seeds, 1))
    chosen = rng.integers(stories, size=(RESAMPLES, 1, stories))
    drawn: Values = values[which, chosen].reshape(RESAMPLES, -1)
    return drawn


def _bounded(value: Values, drawn: Values) -> Interval:
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Interval(float(value), float(low), float(high))


def summarise(stories: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, Interval]:
    """Every measure over stories of one run; those that no story has are left out."""
    names = list(dict.fromkeys(name for story in stories for name in story))
    return {name: interval(name, [[story.get(name, []) for story in stories]]) for name in names}


def rounded(story: Story) -> Story:
    """A story's values as records keep them."""
    return {name: [round(value, DECIMALS) for value in values] for name, values in story.items()}


def digits(name: str) -> int:
    """Decimals that a measure is told with."""
    return 1 if name in DEGREES else 3


def table(columns: Mapping[str, Mapping[str, Interval]]) -> str:
    """A markdown table: one line per measure, one column per model or reference."""
    names = list(next(iter(columns.values())))
    lines = ["| measure | " + " | ".join(columns) + " |", "|" + "---|" * (1 + len(columns))]
    for name in names:
        cells = [column[name].text(digits(name)) for column in columns.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
