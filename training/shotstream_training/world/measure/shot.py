# SPDX-License-Identifier: Apache-2.0
"""One shot against its ground truth: presence, identity, place, framing, action, camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spec import CharacterSpec, StorySpec
from .action import SETTLING_FRAMES, recognise_action
from .camera import camera_motion
from .cuts import dynamic_degree
from .outfit import MISSING_ERROR
from .setting import recognise_place
from .tracks import Track, follow, subject_areas

_PRESENT_SHARE = 0.8
_PLACE_SAMPLES = 5


@dataclass(frozen=True)
class CharacterMeasure:
    """How one cast member was found.

    Attributes:
        present: both outfit parts were found in at least 80 % of the frames.
        coat_error, accessory_error: median hue errors in degrees, 180 where the part is missing.
        framing: the framing its size stands for, None if it has no subject's size.
        actions: what it does in each of the shot's beats, None where it is seen too little.
        x: median column of its outfit, None if it was not found.
    """

    present: bool
    coat_error: float
    accessory_error: float
    framing: str | None
    actions: tuple[str | None, ...]
    x: float | None


@dataclass(frozen=True)
class ShotMeasure:
    """How a shot compares with its ground truth; shares are over the cast (and its beats)."""

    characters: tuple[CharacterMeasure, ...]
    setting: str
    time: str
    camera: str
    setting_right: bool
    time_right: bool
    camera_right: bool
    framing_right: bool
    action_share: float
    dynamic_degree: float

    @property
    def all_present(self) -> bool:
        """True if every cast member is there."""
        return all(character.present for character in self.characters)

    @property
    def worst_hue_error(self) -> float:
        """The largest hue error of any outfit part, degrees."""
        return max(max(c.coat_error, c.accessory_error) for c in self.characters)


def measure_shot(frames: NDArray[np.uint8], spec: StorySpec, shot_index: int) -> ShotMeasure:
    """Measures a rendered or generated shot.

    With two characters, each is the one whose outfit fits better: captions do not say who stands left.

    Args:
        frames: uint8 [n, 80, 128, 3]; n may be less than the shot's length, beats beyond are left out.
        spec, shot_index: the ground truth.

    Raises:
        ValueError: `frames` has another form.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (80, 128, 3):
        raise ValueError(f"frames must be uint8 [n, 80, 128, 3], got {frames.dtype} {list(frames.shape)}")
    shot = spec.shots[shot_index]
    cast = [spec.characters[i] for i in shot.cast]
    kinds = tuple(who.kind for who in cast)
    tracks = follow(frames, kinds, shot.time)
    place = recognise_place(frames[np.linspace(0, len(frames) - 1, _PLACE_SAMPLES).astype(int)])
    motion = camera_motion(frames, subject_areas(frames, kinds, shot.time, shot.framing))
    order = _best_order(tracks, cast)
    beats = [beat for beat in shot.beats if beat.first_frame < len(frames)]
    ends = [beat.first_frame for beat in beats[1:]] + [len(frames)]
    found = []
    right = 0
    for member, (who, place_of) in enumerate(zip(cast, order, strict=True)):
        track = tracks[place_of]
        actions: list[str | None] = []
        for beat, end in zip(beats, ends, strict=True):
            start = beat.first_frame + (SETTLING_FRAMES if beat.first_frame else 0)
            part = Track(track.outfits[start:end])
            actions.append(recognise_action(frames[start:end], part, shot.framing, motion.pan))
            right += actions[-1] == beat.actions[member]
        found.append(_character(track, who, tuple(actions)))
    return ShotMeasure(
        characters=tuple(found),
        setting=place.setting,
        time=place.time,
        camera=motion.move,
        setting_right=place.setting == shot.setting,
        time_right=place.time == shot.time,
        camera_right=motion.move == shot.camera,
        framing_right=all(c.framing == shot.framing for c in found),
        action_share=right / (len(cast) * len(beats)),
        dynamic_degree=dynamic_degree(frames),
    )


def _errors(track: Track, who: CharacterSpec) -> tuple[float, float]:
    if not track.outfits:
        return MISSING_ERROR, MISSING_ERROR
    errors = np.array([outfit.errors(who) for outfit in track.outfits])
    coat, accessory = np.median(errors, axis=0)
    return float(coat), float(accessory)


def _best_order(tracks: tuple[Track, ...], cast: list[CharacterSpec]) -> tuple[int, ...]:
    """Which track belongs to which cast member."""
    if len(cast) == 1:
        return (0,)
    straight = sum(map(sum, (_errors(tracks[0], cast[0]), _errors(tracks[1], cast[1]))))
    crossed = sum(map(sum, (_errors(tracks[1], cast[0]), _errors(tracks[0], cast[1]))))
    # Twins in the same clothes stand as the world places them, and measuring noise must not swap them.
    return (1, 0) if crossed + 10.0 < straight else (0, 1)


def _character(track: Track, who: CharacterSpec, actions: tuple[str | None, ...]) -> CharacterMeasure:
    coat, accessory = _errors(track, who)
    columns = [outfit.spot[0] for outfit in track.outfits if outfit.spot is not None]
    return CharacterMeasure(
        present=track.presence >= _PRESENT_SHARE,
        coat_error=coat,
        accessory_error=accessory,
        framing=track.framing(who.accessory),
        actions=actions,
        x=float(np.median(columns)) if columns else None,
    )
