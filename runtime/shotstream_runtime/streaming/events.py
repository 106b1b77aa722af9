# SPDX-License-Identifier: Apache-2.0
"""What a story stream tells its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shotstream_runtime.codecs.text import CaptionNotice

Outcome = Literal["completed", "interrupted", "superseded", "cancelled"]


@dataclass(frozen=True, slots=True)
class CaptionNoticed:
    """The text side has something to say about a beat's words."""

    beat_id: str
    notice: CaptionNotice


@dataclass(frozen=True, slots=True)
class BeatScheduled:
    """A beat takes effect with the next frame.

    Attributes:
        beat_id: The beat.
        shot: Number of the shot it starts or redirects.
        first_frame: Index in the story of the first frame it governs.
    """

    beat_id: str
    shot: int
    first_frame: int


@dataclass(frozen=True, slots=True, eq=False)
class FramesReady:
    """Decoded frames of one latent: one frame for a shot's first, four for every other.

    Attributes:
        beat_id: Beat that governs them.
        shot: Number of the shot.
        chunk: Number of the chunk in its shot.
        first_index: Index in the story of the first of them.
        first_index_in_shot: Its index in the shot.
        pixels: ``uint8 [n, height, width, 3]``, RGB.
    """

    beat_id: str
    shot: int
    chunk: int
    first_index: int
    first_index_in_shot: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class BeatDone:
    """A beat will have no further frame.

    Attributes:
        beat_id: The beat.
        shot: Its shot; ``None`` if it never took effect.
        outcome: ``completed``; ``interrupted`` (ended early by another beat or by a stop); ``superseded``
            (dropped while it waited); ``cancelled`` (taken back).
        frames: Frames it governed.
    """

    beat_id: str
    shot: int | None
    outcome: Outcome
    frames: int


@dataclass(frozen=True, slots=True)
class ShotFinished:
    """A shot is over for good and has become history.

    Attributes:
        shot: Number of the shot.
        frames: Its length in frames.
    """

    shot: int
    frames: int


StreamEvent = CaptionNoticed | BeatScheduled | FramesReady | BeatDone | ShotFinished
