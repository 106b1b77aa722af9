# SPDX-License-Identifier: Apache-2.0
"""What a bidirectional network says about a noisy shot, and the losses made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.distillation.matching import guided, matching_direction, matching_loss, predict_flow
from shotstream_training.next_shot import NextShotBatch

ContextTime = Literal["zero", "target"]


def wide(sigma: Tensor) -> Tensor:
    """``[b]`` or ``[b, f]`` shaped to multiply latents ``[b, f, channels, h, w]``."""
    return sigma.view(*sigma.shape, *([1] * (5 - sigma.ndim)))


def noised(clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """``(1 - sigma) clean + sigma noise``."""
    return (1 - wide(sigma)) * clean + wide(sigma) * noise


@dataclass(frozen=True)
class ScoreRule:
    """How scores are read.

    Attributes:
        context_time: Time that condition frames carry: ``zero``, as in the student's context pass, or
            ``target``, the target's own, as the published teacher has it.
        negative: Features of the negative prompt ``[text_len, text_dim]``; none: silence, features of zero.
    """

    context_time: ContextTime = "zero"
    negative: Tensor | None = None

    def flow(self, network: Student, batch: NextShotBatch, noisy: Tensor, time: Tensor) -> Tensor:
        """The flow over the target ``[b, f, channels, h, w]`` at one time per sample ``[b]``."""
        if self.context_time == "zero":
            return predict_flow(network, batch, noisy, time)
        context, frames = batch.context.shape[1], noisy.shape[1]
        flow = network.forward_sequence(
            torch.cat((batch.context, noisy), dim=1),
            time[:, None].expand(-1, context + frames),
            batch.embeds,
            batch.caption_index,
            batch.positions,
            batch.flags,
        )
        return flow[:, context:].float()

    def clean(self, network: Student, batch: NextShotBatch, noisy: Tensor, sigma: Tensor) -> Tensor:
        """The clean target as the network sees it; sigma ``[b]``."""
        return noisy - wide(sigma) * self.flow(network, batch, noisy, 1000 * sigma)

    def unguided(self, batch: NextShotBatch) -> NextShotBatch:
        """The batch with every caption replaced by the negative prompt, or by silence."""
        if self.negative is None:
            return replace(batch, embeds=torch.zeros_like(batch.embeds))
        return replace(batch, embeds=self.negative.to(batch.embeds).expand_as(batch.embeds).contiguous())


@torch.no_grad()
def matching_target(real: Tensor, unguided: Tensor, fake: Tensor, clean: Tensor, guidance: float) -> Tensor:
    """The direction that a rollout is moved against.

    Args:
        real: The real score's clean estimate with captions.
        unguided: The same without them.
        fake: The fake score's clean estimate, never guided.
        clean: The rollout.
        guidance: ``r = c + guidance (c - u)``.
    """
    return matching_direction(fake, guided(real, unguided, guidance), clean)


__all__ = ["ContextTime", "ScoreRule", "matching_loss", "matching_target", "noised", "wide"]
