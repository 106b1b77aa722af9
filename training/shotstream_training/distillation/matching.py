# SPDX-License-Identifier: Apache-2.0
"""Distribution matching: real score against fake score (paper section 3.3, stage 2)."""

from __future__ import annotations

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch


def predict_flow(network: Student, batch: NextShotBatch, noisy: Tensor, time: Tensor) -> Tensor:
    """The flow over the target frames as a bidirectional network sees them, context in front.

    Condition frames carry time 0, as they do in the student's context pass: they are clean, and the causal
    student starts from these weights. (The published teacher modulates them with the target's time.)

    Args:
        network: Teacher or critic.
        batch: Context, flags, captions.
        noisy: Noisy target ``[b, f, channels, h, w]``.
        time: One time per sample ``[b]``, carried by all target frames.
    """
    context = batch.context.shape[1]
    frames = noisy.shape[1]
    times = torch.cat((time.new_zeros(len(batch), context), time[:, None].expand(-1, frames)), dim=1)
    flow = network.forward_sequence(
        torch.cat((batch.context, noisy), dim=1),
        times,
        batch.embeds,
        batch.caption_index,
        batch.positions,
        batch.flags,
    )
    return flow[:, context:].float()


def guided(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Guidance as the published distillation uses it: ``c + scale (c - u)``."""
    return conditional + scale * (conditional - unconditional)


def matching_direction(fake: Tensor, real: Tensor, clean: Tensor) -> Tensor:
    """The normalised direction ``(fake - real) / mean |clean - real|``, mean per sample; NaN gives 0."""
    scale = (clean - real).abs().mean(dim=tuple(range(1, clean.ndim)), keepdim=True)
    return torch.nan_to_num((fake - real) / scale, nan=0.0, posinf=0.0, neginf=0.0)


def matching_loss(clean: Tensor, direction: Tensor) -> Tensor:
    """Half the mean squared distance to the shifted, detached output: gradient ``direction / numel``."""
    wide = clean.double()
    return 0.5 * (wide - (wide - direction.double()).detach()).square().mean()
