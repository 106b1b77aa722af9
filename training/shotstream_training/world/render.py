# SPDX-License-Identifier: Apache-2.0
"""Pictures of a story: camera, staging, and the frames of a shot with what is exactly where in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from . import canvas
from .backdrops import PARALLAX, Backdrop, compose, paint_backdrop
from .characters import draw_character
from .layer import CANVAS_WIDTH, HORIZON
from .motion import Pose, poses
from .palette import mix
from .spec import HEIGHT, SUBJECT_HEIGHT, WIDTH, ShotSpec, StorySpec

_GROUND_LINE = {"wide": 67.0, "medium": 74.0, "close": 105.0}
_HORIZON_LINE = {"wide": 46.0, "medium": 50.0, "close": 58.0}
_BACKDROP_ZOOM = {"wide": 1.0, "medium": 1.22, "close": 1.75}
_PAN_PIXELS = {"wide": 44.0, "medium": 40.0, "close": 30.0}
_PUSH_RANGE = (0.86, 1.14)
_SHADOW = (52, 48, 74)


@dataclass(frozen=True)
class CharacterTruth:
    """Where a character is in one frame: x of its axis, ground and top of its head, in pixels."""

    x: float
    ground: float
    height: float
    lift: float


@dataclass(frozen=True)
class FrameTruth:
    """What one frame shows.

    Attributes:
        characters: one per cast member, in cast order.
        actions: what each does now.
        pan: how far the camera has moved to the right of the shot's middle, pixels at ground depth.
        zoom: the camera's zoom, 1 at the framing's own size.
    """

    characters: tuple[CharacterTruth, ...]
    actions: tuple[str, ...]
    pan: float
    zoom: float


@dataclass(frozen=True)
class _Staging:
    poses: tuple[list[Pose], ...]
    pans: NDArray[np.float64]
    zooms: NDArray[np.float64]
    backdrop_x: float


@lru_cache(maxsize=8)
def _backdrop(setting: str, time: str, seed: int) -> Backdrop:
    return paint_backdrop(setting, time, seed)


def _stage(shot: ShotSpec) -> _Staging:
    rng = np.random.default_rng(shot.seed)
    height = SUBJECT_HEIGHT[shot.framing]
    n = len(shot.cast)
    u = np.linspace(0.0, 1.0, shot.frames) if shot.frames > 1 else np.full(1, 0.5)
    direction = 1.0 if rng.uniform() < 0.5 else -1.0
    # Two characters need the width that a long pan would take.
    sweep = _PAN_PIXELS[shot.framing] * (1.0 if n == 1 else 0.6) if shot.camera == "pan" else 0.0
    pans = direction * sweep * (u - 0.5)
    zooms = (
        _PUSH_RANGE[0] + (_PUSH_RANGE[1] - _PUSH_RANGE[0]) * u
        if shot.camera == "push"
        else np.ones(shot.frames)
    )
    backdrop_x = float(rng.uniform(-24, 24))
    margin = {"wide": 0.30 * height + 3, "medium": 0.34 * height, "close": 0.42 * height}[shot.framing]
    margin += sweep / 2 * (1.0 if shot.framing != "close" else 0.35)
    if shot.camera == "push":
        margin += 9
    low, high = margin, WIDTH - margin
    slot = (high - low) / max(n, 1)
    out = []
    for place in range(n):
        x_range = (low + slot * place, low + slot * (place + 1))
        if n == 2:
            gap = 0.20 * height
            x_range = (x_range[0], x_range[1] - gap) if place == 0 else (x_range[0] + gap, x_range[1])
        middle, half = (x_range[0] + x_range[1]) / 2, max(0.0, (x_range[1] - x_range[0]) / 2)
        spread = 0.8 if n == 1 else 0.6
        x = middle + float(rng.uniform(-half, half)) * spread
        facing = 1.0 if rng.uniform() < 0.5 else -1.0
        if n == 2 and rng.uniform() < 0.7:
            facing = 1.0 if place == 0 else -1.0
        starts = [(beat.first_frame, beat.actions[place]) for beat in shot.beats]
        out.append(
            poses(
                starts,
                shot.frames,
                height=height,
                framing=shot.framing,
                x=x,
                x_range=x_range,
                facing=facing,
                rng=rng,
            )
        )
    return _Staging(tuple(out), pans, zooms, backdrop_x)


def _views(shot: ShotSpec, staging: _Staging, frame: int) -> tuple[NDArray[np.float64], ...]:
    """For each layer the matrix from supersampled picture pixels to supersampled canvas pixels."""
    views = []
    for parallax in PARALLAX:
        zoom = _BACKDROP_ZOOM[shot.framing] * (
            1.0 + (float(staging.zooms[frame]) - 1.0) * (0.35 + 0.65 * parallax)
        )
        # Layers behind follow less; the middle of the picture looks at one place of the canvas.
        centre = CANVAS_WIDTH / 2 + staging.backdrop_x + float(staging.pans[frame]) * parallax
        s = 1.0 / zoom
        horizon = _HORIZON_LINE[shot.framing]
        k = float(canvas.SUPERSAMPLE)
        views.append(
            np.array([[s, 0.0, k * (centre - s * WIDTH / 2)], [0.0, s, k * (HORIZON - s * horizon)]])
        )
    return tuple(views)


def _project(shot: ShotSpec, staging: _Staging, place: int, frame: int) -> tuple[float, float, float]:
    """Picture x, ground y and height in pixels of a cast member."""
    zoom, pan = float(staging.zooms[frame]), float(staging.pans[frame])
    focus_y = _GROUND_LINE[shot.framing] - 0.45 * SUBJECT_HEIGHT[shot.framing]
    x = (staging.poses[place][frame].x - pan - WIDTH / 2) * zoom + WIDTH / 2
    return x, (_GROUND_LINE[shot.framing] - focus_y) * zoom + focus_y, SUBJECT_HEIGHT[shot.framing] * zoom


def _shadow(image: NDArray[np.uint8], x: float, ground: float, height: float, lift: float) -> None:
    k = canvas.SUPERSAMPLE
    shrink = 1.0 / (1.0 + 1.6 * lift)
    rx, ry = 0.27 * height * shrink, 0.062 * height * shrink
    y0, y1 = int((ground - ry) * k) - 2, int((ground + ry) * k) + 3
    x0, x1 = max(0, int((x - rx) * k) - 2), min(image.shape[1], int((x + rx) * k) + 3)
    y0, y1 = max(0, y0), min(image.shape[0], y1)
    if x1 <= x0 or y1 <= y0:
        return
    area = image[y0:y1, x0:x1]
    dark = area.copy()
    canvas.fill(dark, canvas.ellipse(x - x0 / k, ground - y0 / k, rx, ry), mix(_SHADOW, (0, 0, 0), 0.1))
    cv2.addWeighted(dark, 0.30, area, 0.70, 0.0, dst=area)


def render_backdrop(shot: ShotSpec, seed: int, frame: int = 0) -> NDArray[np.uint8]:
    """The empty set of a shot at one of its frames, uint8 [80, 128, 3]; `seed` is the story's."""
    return _shrink(_scene(shot, _stage(shot), _backdrop(shot.setting, shot.time, seed), frame))


def _scene(shot: ShotSpec, staging: _Staging, backdrop: Backdrop, frame: int) -> NDArray[np.uint8]:
    size = (WIDTH * canvas.SUPERSAMPLE, HEIGHT * canvas.SUPERSAMPLE)
    picture = compose(backdrop, _views(shot, staging, frame), size)
    # A close-up has a shallow depth of field.
    if shot.framing == "close":
        picture = cv2.GaussianBlur(picture, (0, 0), 2.2).astype(np.uint8, copy=False)
    return picture


def _shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def render_shot(spec: StorySpec, shot_index: int) -> NDArray[np.uint8]:
    """Renders one shot.

    Returns:
        uint8 [frames, 80, 128, 3], RGB. The same (spec, shot_index) gives the same bytes.

    Raises:
        IndexError: there is no such shot.
    """
    shot = spec.shots[shot_index]
    staging = _stage(shot)
    backdrop = _backdrop(shot.setting, shot.time, spec.seed)
    frames = np.empty((shot.frames, HEIGHT, WIDTH, 3), np.uint8)
    still: NDArray[np.uint8] | None = None
    for frame in range(shot.frames):
        if still is None or shot.camera != "static":
            still = _scene(shot, staging, backdrop, frame)
        image = still.copy()
        for place in range(len(shot.cast)):
            x, ground, height = _project(shot, staging, place, frame)
            _shadow(image, x, ground, height, staging.poses[place][frame].lift)
        for place, who in enumerate(shot.cast):
            x, ground, height = _project(shot, staging, place, frame)
            pose = staging.poses[place][frame]
            draw_character(
                image, spec.characters[who], pose, x=x, ground=ground - 1.0, height=height, time=shot.time
            )
        frames[frame] = _shrink(image)
    return frames


def ground_truth(spec: StorySpec, shot_index: int) -> tuple[FrameTruth, ...]:
    """What every frame of a shot shows: who is where, doing what, and the camera. One entry a frame."""
    shot = spec.shots[shot_index]
    staging = _stage(shot)
    out = []
    for frame in range(shot.frames):
        where = []
        for place in range(len(shot.cast)):
            x, ground, height = _project(shot, staging, place, frame)
            where.append(CharacterTruth(x, ground, height, staging.poses[place][frame].lift))
        beat = [b for b in shot.beats if b.first_frame <= frame][-1]
        out.append(
            FrameTruth(tuple(where), beat.actions, float(staging.pans[frame]), float(staging.zooms[frame]))
        )
    return tuple(out)


def render_story_arrays(spec: StorySpec) -> list[NDArray[np.uint8]]:
    """All shots of a story, each uint8 [frames, 80, 128, 3]: a job for worker processes, free of torch."""
    cv2.setNumThreads(1)
    return [render_shot(spec, i) for i in range(len(spec.shots))]
