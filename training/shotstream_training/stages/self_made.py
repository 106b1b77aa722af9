# SPDX-License-Identifier: Apache-2.0
"""Context out of what a student has made itself, by the runtime's rule."""

from __future__ import annotations

import torch
from torch import Tensor

from shotstream_training.data.context_table import ContextTable
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.clip_source import PixelCodec

PART = 16
"""Shots decoded at once."""


def condition_latents(codec: PixelCodec, table: ContextTable, latents: Tensor) -> Tensor:
    """Decodes a shot and encodes anew, each alone, the frames that may become context.

    Args:
        codec: The autoencoder.
        table: Knows which frames those are.
        latents: ``[b, f, channels, h, w]``.

    Returns:
        ``[b, picks, channels, h, w]``.
    """
    parts = []
    for part in latents.split(PART):
        frames = codec.decode(part, batch=PART)[:, :, list(table.frames)].transpose(1, 2)
        parts.append(codec.encode_frames(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]))
    return torch.cat(parts)


def self_made_context(table: ContextTable, history: list[Tensor], batch: NextShotBatch) -> Tensor:
    """Context out of self-made frames; zeros before the first shot.

    Args:
        table: Knows the rule.
        history: `condition_latents` of every finished shot.
        batch: Of its context only the shape is used.
    """
    if not history:
        return torch.zeros_like(batch.context)
    done = len(history)
    shots, picks = table.shot[done].tolist(), table.pick[done].tolist()
    return torch.stack([history[shot][:, pick] for shot, pick in zip(shots, picks, strict=True)], dim=1)
