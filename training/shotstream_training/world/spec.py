# SPDX-License-Identifier: Apache-2.0
"""What a storyboard story is: frozen, picklable descriptions with everything the renderer needs."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 128
HEIGHT = 80
FPS = 16
FRAMES_PER_SHOT = 81
FIRST_CHUNK_FRAMES = 9
CHUNK_FRAMES = 12

KINDS = ("fox", "cat", "bear", "rabbit", "robot", "girl", "knight", "penguin")
COLOURS = ("red", "orange", "yellow", "lime", "green", "turquoise", "blue", "indigo", "purple", "pink")
ACCESSORIES = ("scarf", "hat")
SETTINGS = ("forest", "beach", "city", "desert", "mountain", "meadow", "kitchen", "harbour")
TIMES = ("day", "sunset", "night")
FRAMINGS = ("wide", "medium", "close")
ACTIONS = ("stand", "walk", "run", "jump", "wave", "spin")
CLOSE_ACTIONS = ("stand", "wave", "jump", "spin")
CAMERAS = ("static", "pan", "push")

SUBJECT_HEIGHT = {"wide": 35.0, "medium": 53.0, "close": 93.0}
"""Pixels from the feet to the top of the head (hats and ears come on top), before the camera's zoom."""


@dataclass(frozen=True)
class CharacterSpec:
    """Who: a kind and a two-part outfit.

    Attributes:
        kind: one of `KINDS`.
        coat: colour name of the coat.
        accessory: `scarf` or `hat`.
        accessory_colour: colour name of the scarf or hat; never the coat's.
    """

    kind: str
    coat: str
    accessory: str
    accessory_colour: str


@dataclass(frozen=True)
class BeatSpec:
    """One caption's stretch of a shot: the first frame it applies to and what each cast member does."""

    first_frame: int
    actions: tuple[str, ...]
    caption: str


@dataclass(frozen=True)
class ShotSpec:
    """One shot.

    Attributes:
        cast: indices into `StorySpec.characters`, from left to right.
        setting: one of `SETTINGS`; `time`: one of `TIMES`.
        framing: one of `FRAMINGS`; `camera`: one of `CAMERAS`.
        beats: the first starts at frame 0, later ones at chunk boundaries (9 + 12 k).
        frames: length in pixel frames.
        seed: drives placement, facing, phases.
    """

    cast: tuple[int, ...]
    setting: str
    time: str
    framing: str
    camera: str
    beats: tuple[BeatSpec, ...]
    frames: int
    seed: int


@dataclass(frozen=True)
class StorySpec:
    """A story: who is in it, what its global caption says, and its shots in order."""

    seed: int
    characters: tuple[CharacterSpec, ...]
    global_caption: str
    shots: tuple[ShotSpec, ...]


def is_chunk_boundary(frame: int) -> bool:
    """True if a caption may change at pixel frame `frame` of a shot (9, 21, 33, ...)."""
    return frame >= FIRST_CHUNK_FRAMES and (frame - FIRST_CHUNK_FRAMES) % CHUNK_FRAMES == 0
