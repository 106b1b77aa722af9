# SPDX-License-Identifier: Apache-2.0
"""What a story stream holds of the shot that runs, and of its context."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from shotstream_runtime.codecs.video import DecoderStream
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.shot_frames import ShotFrames


@dataclass(frozen=True, slots=True, eq=False)
class ShotContext:
    """Condition frames of one shot, encoded."""

    latents: Tensor
    shot_flags: tuple[int, ...]
    prompts: tuple[str, ...]
    new_shot_flag: int


@dataclass(slots=True, eq=False)
class RunningShot:
    """The shot that runs, or that ended last and may still be extended."""

    number: int
    context: ShotContext
    decoder: DecoderStream
    frames: ShotFrames
    first_index: int
    beat: Beat
    prompt: str
    remaining: int
    chunk: int = 0
    beat_frames: int = 0
    beat_open: bool = True
    unrefreshed: tuple[Tensor, int, str] | None = None
    """Last chunk (clean latents, first latent frame, prompt) whose clean pass nothing has needed yet."""
