# SPDX-License-Identifier: Apache-2.0
"""Condition frames of one shot, selected from the story's history and encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.streaming.history import History, condition_pixels
from shotstream_runtime.streaming.shot_frames import HistoryFrame, ShotFrames
from shotstream_runtime.weights.load import LoadedModel


@dataclass(frozen=True, slots=True, eq=False)
class ShotContext:
    """Condition frames of one shot, encoded.

    Attributes:
        latents: ``[1, context frames, channels, h, w]``.
        shot_flags: Flag per condition frame.
        prompts: The prompt that each attends to.
        new_shot_flag: Flag of the shot itself.
    """

    latents: Tensor
    shot_flags: tuple[int, ...]
    prompts: tuple[str, ...]
    new_shot_flag: int

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.latents.numel() * self.latents.element_size()


def latent_size(model: LoadedModel) -> tuple[int, int, int]:
    """Channels, rows and columns of a model's latents."""
    profile, factor = model.profile, model.video.spatial_factor
    return model.student.config.in_dim, profile.height // factor, profile.width // factor


def context_of_next_shot(
    model: LoadedModel, history: History, running: ShotFrames | None = None, first_prompt: str = ""
) -> ShotContext:
    """Selects and encodes the condition frames of the shot that comes next.

    Args:
        model: The model.
        history: The story's finished shots.
        running: The shot that has just ended, if it is not in the history yet.
        first_prompt: What the zero latents before a story's first shot read: that shot's own prompt.
    """
    student = model.student
    selection, frames = history.select(running)
    if frames:
        latents = _encode(model.video, frames)[None].to(student.dtype)
        prompts = tuple(frame.prompt for frame in frames)
    else:
        slots = student.config.max_context_frames
        latents = torch.zeros(1, slots, *latent_size(model), device=student.device, dtype=student.dtype)
        prompts = (first_prompt,) * slots
    return ShotContext(latents, selection.shot_flags, prompts, selection.new_shot_flag)


@torch.inference_mode()
def _encode(video: VideoCodec, frames: Sequence[HistoryFrame]) -> Tensor:
    latents: Tensor = video.encode_frames(condition_pixels(frames).to(video.device))
    return latents
