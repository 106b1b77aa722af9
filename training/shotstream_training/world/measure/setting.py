# SPDX-License-Identifier: Apache-2.0
"""Which setting a frame shows: nearest rendered background by the colours of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..render import render_backdrop
from ..spec import FRAMINGS, SETTINGS, TIMES, ShotSpec

_BANDS = 20
_QUANTILES = (0.15, 0.35, 0.5, 0.65, 0.85)
_REFERENCES = 10
_NEIGHBOURS = 3


@dataclass(frozen=True)
class Place:
    """A setting and its time of day."""

    setting: str
    time: str


def describe_rows(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colour quantiles of horizontal bands, [20 * 5 * 3].

    A subject covers less than half of a row, so the middle quantiles of most rows are the background's.
    """
    height = frame.shape[0]
    bands = frame.reshape(_BANDS, height // _BANDS * frame.shape[1], 3).astype(np.float32)
    return np.quantile(bands, _QUANTILES, axis=1).astype(np.float32).reshape(-1)


@lru_cache(maxsize=1)
def _references() -> tuple[NDArray[np.float32], tuple[Place, ...]]:
    features, places = [], []
    for setting in SETTINGS:
        for time in TIMES:
            for seed in range(_REFERENCES):
                for framing in FRAMINGS:
                    shot = ShotSpec((), setting, time, framing, "static", (), 1, 50_000 + seed)
                    features.append(describe_rows(render_backdrop(shot, 90_000 + seed)))
                    places.append(Place(setting, time))
    return np.stack(features), tuple(places)


def recognise_place(frames: NDArray[np.uint8]) -> Place:
    """The setting and time of day of a shot.

    Args:
        frames: uint8 [n, H, W, 3]; a few spread over the shot are enough.
    """
    references, places = _references()
    votes: dict[Place, float] = {}
    for frame in frames:
        distances = np.abs(references - describe_rows(frame)).mean(axis=1)
        for index in np.argsort(distances)[:_NEIGHBOURS]:
            place = places[int(index)]
            votes[place] = votes.get(place, 0.0) + 1.0 / (1.0 + float(distances[index]))
    return max(votes, key=lambda place: votes[place])
