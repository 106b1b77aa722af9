# SPDX-License-Identifier: Apache-2.0
"""What a subject does: a linear classifier over how its parts move, fitted on rendered shots.

The fitted numbers are in action_model.json; running this module makes them anew (ten minutes on one core).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..render import ground_truth, render_shot
from ..spec import ACTIONS, SUBJECT_HEIGHT, StorySpec
from ..stories import sample_story, story_rng
from .tracks import Track, follow

_MODEL = Path(__file__).with_name("action_model.json")
_ROWS, _COLUMNS, _CELL = 6, 5, 4
_STEP = 2
_SHORTEST = 12
SETTLING_FRAMES = 6
"""Frames at the start of a continue beat in which one action passes into the next."""


def motion_features(
    frames: NDArray[np.uint8], track: Track, framing: str, pan: float
) -> NDArray[np.float64] | None:
    """How a subject moves: activity of the cells of a window that follows it, and the sway of its outfit.

    Args:
        frames: uint8 [n, H, W, 3]. track: the subject in these frames. framing: sets the window's size.
        pan: camera movement in pixels a frame, taken off its own.

    Returns:
        [_ROWS * _COLUMNS + 8], or None if the subject is seen too little.
    """
    seen = [(i, o.spot, o) for i, o in enumerate(track.outfits) if o.spot is not None]
    if len(seen) < _SHORTEST or len(seen) < 0.6 * len(track.outfits):
        return None
    height = SUBJECT_HEIGHT[framing]
    at = np.arange(len(frames))
    index = [i for i, _, _ in seen]
    x = _smooth(np.interp(at, index, [spot[0] for _, spot, _ in seen]))
    y = np.interp(at, index, [spot[1] for _, spot, _ in seen])
    middle = float(np.median(y))
    windows = np.stack([_window(f, float(cx), middle, height) for f, cx in zip(frames, x, strict=True)])
    change = np.abs(windows[_STEP:] - windows[:-_STEP]).mean(axis=0)
    cells = change.reshape(_ROWS, _CELL, _COLUMNS, _CELL).mean(axis=(1, 3)).reshape(-1)
    own = (np.diff(x) + pan) / height
    rise = np.array([o.coat.y for _, _, o in seen if o.coat is not None] or [middle]) / height
    area = np.array([o.area for _, _, o in seen]) / height**2
    sway = (
        np.array([o.coat.x - o.accessory.x for _, _, o in seen if o.coat and o.accessory] or [0.0]) / height
    )
    extra = [
        100 * float(np.abs(own).mean()), 100 * float(np.median(np.abs(own))), 30 * float(rise.std()),
        20 * float(np.abs(np.diff(rise)).mean()) if len(rise) > 1 else 0.0,
        20 * float(area.std()), 30 * float(sway.std()), 30 * float(np.abs(sway).mean()),
        20 * float(np.quantile(rise, 0.9) - np.quantile(rise, 0.1)),
    ]  # fmt: skip
    return np.concatenate([np.log1p(cells), np.log1p(np.array(extra))])


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(np.pad(values, 3, mode="edge"), np.ones(7) / 7, mode="valid")


def _window(frame: NDArray[np.uint8], x: float, y: float, height: float) -> NDArray[np.float32]:
    """A grey window around the outfit, 1.5 body heights tall, [24, 20]."""
    rows, columns = _ROWS * _CELL, _COLUMNS * _CELL
    scale = 1.5 * height / rows
    view = np.array([[scale, 0.0, x - scale * columns / 2], [0.0, scale, y - scale * rows * 0.58]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    soft = cv2.GaussianBlur(frame, (0, 0), 0.35 * scale) if scale > 2 else frame
    small = cv2.warpAffine(soft, view, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


@dataclass(frozen=True)
class ActionModel:
    """Linear discriminants: scores = (features - mean) @ weights + bias, one column an action."""

    mean: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def classify(self, features: NDArray[np.float64]) -> str:
        """The likeliest action."""
        return ACTIONS[int(np.argmax((features - self.mean) @ self.weights + self.bias))]


@lru_cache(maxsize=1)
def load_action_models() -> dict[str, ActionModel]:
    """The fitted classifiers, one a framing."""
    data = json.loads(_MODEL.read_text(encoding="utf-8"))
    return {
        framing: ActionModel(*(np.array(numbers[name]) for name in ("mean", "weights", "bias")))
        for framing, numbers in data.items()
    }


def recognise_action(frames: NDArray[np.uint8], track: Track, framing: str, pan: float) -> str | None:
    """What a subject does in these frames, None if it is seen too little; arguments of `motion_features`."""
    features = motion_features(frames, track, framing, pan)
    return None if features is None else load_action_models()[framing].classify(features)


def fit_action_models(stories: int) -> dict[str, ActionModel]:
    """Fits shrunken linear discriminants on rendered training stories."""
    samples: dict[str, list[tuple[NDArray[np.float64], int]]] = {}
    for seed in range(stories):
        story = sample_story(story_rng(1_000_000 + seed))
        for index, shot in enumerate(story.shots):
            frames = render_shot(story, index)
            kinds = tuple(story.characters[i].kind for i in shot.cast)
            tracks = follow(frames, kinds, shot.time)
            pan = _true_pan(story, index)
            ends = [beat.first_frame for beat in shot.beats[1:]] + [shot.frames]
            for beat, end in zip(shot.beats, ends, strict=True):
                start = beat.first_frame + (SETTLING_FRAMES if beat.first_frame else 0)
                for place, action in enumerate(beat.actions):
                    part = Track(tracks[place].outfits[start:end])
                    features = motion_features(frames[start:end], part, shot.framing, pan)
                    if features is not None:
                        samples.setdefault(shot.framing, []).append((features, ACTIONS.index(action)))
    return {framing: _discriminants(rows) for framing, rows in samples.items()}


def _true_pan(story: StorySpec, index: int) -> float:
    truth = ground_truth(story, index)
    return (truth[-1].pan - truth[0].pan) / max(1, len(truth) - 1)


def _discriminants(rows: list[tuple[NDArray[np.float64], int]]) -> ActionModel:
    features = np.stack([row for row, _ in rows])
    labels = np.array([label for _, label in rows])
    mean = features.mean(axis=0)
    centred = features - mean
    classes = np.zeros((len(ACTIONS), features.shape[1]))
    within = np.zeros((features.shape[1], features.shape[1]))
    present = sorted(set(labels.tolist()))
    for label in present:
        mine = centred[labels == label]
        classes[label] = mine.mean(axis=0)
        within += (mine - classes[label]).T @ (mine - classes[label])
    within /= len(rows)
    within += 0.02 * np.trace(within) / len(within) * np.eye(len(within))
    weights = np.linalg.solve(within, classes.T).astype(np.float64, copy=False)
    bias = -0.5 * np.einsum("kd,dk->k", classes, weights)
    bias[[label for label in range(len(ACTIONS)) if label not in present]] = -1e9
    return ActionModel(mean, weights, bias)


def main() -> None:
    """Writes action_model.json."""
    models = fit_action_models(stories=260)
    data = {
        framing: {name: np.round(getattr(model, name), 4).tolist() for name in ("mean", "weights", "bias")}
        for framing, model in models.items()
    }
    _MODEL.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
