# SPDX-License-Identifier: Apache-2.0
"""What a story stream tells its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from shotstream_runtime.codecs.text import CaptionNotice
from shotstream_runtime.streaming.shot_frames import HistoryFrame

Outcome = Literal["completed", "interrupted", "superseded", "cancelled", "failed"]


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


@dataclass(frozen=True, slots=True)
class ChunkStarted:
    """The next chunk is decided on: under which beat it stands no longer changes.

    Attributes:
        shot: Number of the shot.
        chunk: Number of the chunk in its shot.
    """

    shot: int
    chunk: int


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


@dataclass(frozen=True, slots=True, eq=False)
class ChunkFinished:
    """All frames of a chunk have been told.

    Attributes:
        beat_id: Beat that governs it.
        shot: Number of the shot.
        chunk: Number of the chunk in its shot.
        latents: Clean latents ``[1, frames, channels, h, w]``, on the model's device.
    """

    beat_id: str
    shot: int
    chunk: int
    latents: Tensor


@dataclass(frozen=True, slots=True)
class BeatDone:
    """A beat will have no further frame.

    Attributes:
        beat_id: The beat.
        shot: Its shot; ``None`` if it never took effect.
        outcome: ``completed``; ``interrupted`` (ended early by another beat or by a stop); ``superseded``
            (dropped while it waited); ``cancelled`` (taken back); ``failed`` (there was not enough memory).
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
        frames: Its length in frames; a shot that was taken back before its first chunk has none.
        history: What later shots can be given of it as condition frames, by index in the shot; nothing
            where the story ends with this shot.
    """

    shot: int
    frames: int
    history: Mapping[int, HistoryFrame] = field(default_factory=dict, compare=False, repr=False)


StreamEvent = (
    CaptionNoticed | BeatScheduled | ChunkStarted | FramesReady | ChunkFinished | BeatDone | ShotFinished
)
