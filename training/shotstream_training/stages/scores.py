# SPDX-License-Identifier: Apache-2.0
"""What a network says about a noisy shot, all at once or chunk by chunk, and the losses made of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from shotstream_runtime.model import Student
from torch import Tensor

from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.distillation.matching import guided, matching_direction, predict_flow
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.shot_caches import ShotCaches

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

    per_chunk: ClassVar[bool] = False
    """Whether every chunk has a time of its own."""

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
        """The clean target as the network sees it; sigma as the times of `flow`."""
        return noisy - wide(sigma) * self.flow(network, batch, noisy, 1000 * sigma)

    def unguided(self, batch: NextShotBatch) -> NextShotBatch:
        """The batch with every caption replaced by the negative prompt, or by silence."""
        if self.negative is None:
            return replace(batch, embeds=torch.zeros_like(batch.embeds))
        return replace(batch, embeds=self.negative.to(batch.embeds).expand_as(batch.embeds).contiguous())


@dataclass(frozen=True)
class CausalScoreRule(ScoreRule):
    """How scores of networks like the student are read: every chunk given the clean chunks before it.

    They need no other teacher than the student after its causal initialisation, and a shot may end after any
    chunk.

    Attributes:
        caches: For the scores' passes alone: what a rollout's gradient needs stays in caches of its own.
    """

    caches: ShotCaches = field(kw_only=True)

    per_chunk: ClassVar[bool] = True

    def flow(self, network: Student, batch: NextShotBatch, noisy: Tensor, time: Tensor) -> Tensor:
        """The flow at one time per frame ``[b, f]``, alike within a chunk; the batch's target is the past."""
        forced = ForcedPass(network, self.caches.of(len(batch)), noisy.shape[1])
        forced.fill(batch, batch.target)
        return forced.flow(batch, noisy, time)


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
