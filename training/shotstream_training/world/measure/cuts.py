# SPDX-License-Identifier: Apache-2.0
"""Where a clip cuts and how much it moves: shot cut accuracy and dynamic degree from frame differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_CUT_DIFFERENCE = 12.0
_CUT_RATIO = 3.0
_NEIGHBOURS = 4
_MATCH_WINDOW = 12


def frame_changes(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean absolute difference between neighbouring frames, [n - 1], in levels of 0..255."""
    return np.array([np.abs(b.astype(np.int16) - a).mean() for a, b in pairwise(frames)])


def find_cuts(frames: NDArray[np.uint8]) -> list[int]:
    """First frames of the shots after the first: changes that stand far above those around them.

    Args:
        frames: uint8 [n, H, W, 3].
    """
    changes = frame_changes(frames)
    cuts = []
    for i, change in enumerate(changes):
        around = np.concatenate([changes[max(0, i - _NEIGHBOURS) : i], changes[i + 1 : i + 1 + _NEIGHBOURS]])
        usual = float(np.median(around)) if len(around) else 0.0
        if change >= _CUT_DIFFERENCE and change >= _CUT_RATIO * usual and change >= around.max(initial=0.0):
            cuts.append(i + 1)
    return cuts


def shot_cut_accuracy(found: Sequence[int], expected: Sequence[int], frames: int) -> float:
    """Shot cut accuracy: exp(-(error of matched cuts + penalty of unmatched ones) / frames).

    Every expected cut is matched with the nearest unused found one within 12 frames; a cut that is missing
    or too many costs the mean length of a shot.

    Args:
        found, expected: first frames of shots, the story's first shot left out. frames: length of the story.
    """
    left = sorted(found)
    penalty = frames / (len(expected) + 1)
    cost = 0.0
    for cut in expected:
        near = min(left, key=lambda f: abs(f - cut), default=None)
        if near is None or abs(near - cut) > _MATCH_WINDOW:
            cost += penalty
        else:
            cost += abs(near - cut)
            left.remove(near)
    return float(np.exp(-(cost + penalty * len(left)) / frames))


def dynamic_degree(frames: NDArray[np.uint8]) -> float:
    """How much moves: mean change a frame, in levels of 0..255."""
    changes = frame_changes(frames)
    return float(changes.mean()) if len(changes) else 0.0
