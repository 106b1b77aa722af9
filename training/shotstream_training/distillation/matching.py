# SPDX-License-Identifier: Apache-2.0
"""Distribution matching: real score against fake score (paper section 3.3, stage 2)."""

from __future__ import annotations

from dataclasses import replace

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch


def clean_prediction(
    network: Student, batch: NextShotBatch, noisy: Tensor, time: Tensor, sigma: Tensor
) -> Tensor:
    """The clean target as a bidirectional network sees it.

    Args:
        network: Teacher or critic.
        batch: Context, flags, captions.
        noisy: Noisy target ``[b, f, channels, h, w]``.
        time: One time per sample ``[b]``, carried by all target frames.
        sigma: Its sigma ``[b]``.
    """
    return noisy - _wide(sigma) * predict_flow(network, batch, noisy, time)


def predict_flow(network: Student, batch: NextShotBatch, noisy: Tensor, time: Tensor) -> Tensor:
    """The flow over the target frames, context in front; arguments as `clean_prediction`.

    Condition frames carry time 0, as they do in the student's context pass: they are clean, and the causal
    student starts from these weights. (The published teacher modulates them with the target's time.)
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


def generator_loss(
    clean: Tensor,
    batch: NextShotBatch,
    *,
    teacher: Student,
    critic: Student,
    shift: float,
    scale: float,
    generator: torch.Generator,
) -> Tensor:
    """The student's loss for a rolled-out target.

    Args:
        clean: The rollout ``[b, f, channels, h, w]``, with gradient.
        batch: What it was generated from.
        teacher: The real score, frozen.
        critic: The fake score.
        shift: Shift of the sigma table.
        scale: Guidance of the real score; the unconditional branch reads empty captions.
        generator: Source of times and noise.
    """
    with torch.no_grad():
        sigma = draw_sigma(len(batch), shift, generator, clean.device)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        noisy = (1 - _wide(sigma)) * clean.detach() + _wide(sigma) * noise
        time = 1000 * sigma
        silent = replace(batch, embeds=torch.zeros_like(batch.embeds))
        real = guided(
            clean_prediction(teacher, batch, noisy, time, sigma),
            clean_prediction(teacher, silent, noisy, time, sigma),
            scale,
        )
        fake = clean_prediction(critic, batch, noisy, time, sigma)
        direction = matching_direction(fake, real, clean.detach())
    return matching_loss(clean, direction)


def flow_loss(
    network: Student, batch: NextShotBatch, clean: Tensor, shift: float, generator: torch.Generator
) -> Tensor:
    """Plain flow matching on given clean targets; the critic's loss."""
    sigma = draw_sigma(len(batch), shift, generator, clean.device)
    noise = torch.randn(clean.shape, generator=generator, device=clean.device)
    noisy = (1 - _wide(sigma)) * clean + _wide(sigma) * noise
    flow = predict_flow(network, batch, noisy, 1000 * sigma)
    return (flow - (noise - clean)).square().mean()


def draw_sigma(count: int, shift: float, generator: torch.Generator, device: torch.device | str) -> Tensor:
    """Sigmas of times uniform over the shifted table, clamped to times 20..980."""
    uniform = torch.rand(count, generator=generator, device=device)
    return (shift * uniform / (1 + (shift - 1) * uniform)).clamp(0.02, 0.98)


def _wide(sigma: Tensor) -> Tensor:
    return sigma[:, None, None, None, None]
