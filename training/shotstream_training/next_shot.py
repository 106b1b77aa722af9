# SPDX-License-Identifier: Apache-2.0
"""One training sample: condition frames of earlier shots, and the next shot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class NextShotBatch:
    """A batch of next-shot samples, in latents.

    Attributes:
        context: Clean condition latents ``[b, c, channels, h, w]``; zeros before a first shot.
        context_flags: Shot flag per condition frame ``[b, c]``, integers.
        target: Clean latents of the next shot ``[b, f, channels, h, w]``.
        shot_flag: Its flag ``[b]``: turns the rotary phase and nothing else. 1 for a first shot.
        embeds: Caption features ``[b, n, text_len, text_dim]``.
        caption_index: Which of the n captions a frame reads ``[b, c + f]``, condition frames first. Kept
            apart from the flags: a first shot carries flag 1 but reads its own caption.
        subject: Where the target shows its cast ``[b, f, h, w]``, 0 to 1, where the data know.
    """

    context: Tensor
    context_flags: Tensor
    target: Tensor
    shot_flag: Tensor
    embeds: Tensor
    caption_index: Tensor
    subject: Tensor | None = None

    def __len__(self) -> int:
        return self.target.shape[0]

    @property
    def flags(self) -> Tensor:
        """Flag of every frame ``[b, c + f]``."""
        frames = self.target.shape[1]
        return torch.cat((self.context_flags, self.shot_flag[:, None].expand(-1, frames)), dim=1)

    @property
    def positions(self) -> Tensor:
        """Time position of every frame ``[c + f]``: the target counts on from the condition frames."""
        return torch.arange(self.context.shape[1] + self.target.shape[1], device=self.target.device)

    def beginning(self, frames: int) -> NextShotBatch:
        """The same samples with the first latent frames of the target only."""
        keep = self.context.shape[1] + frames
        return replace(
            self,
            target=self.target[:, :frames],
            caption_index=self.caption_index[:, :keep],
            subject=None if self.subject is None else self.subject[:, :frames],
        )

    def without_context(self, chosen: Tensor) -> NextShotBatch:
        """Drops the context of chosen samples ``[b]``, as before a first shot: zeros, flags 0, target flag 1.

        Condition frames then read the caption which the target's first frame reads, as in generation.
        """
        first = self.context.shape[1]
        own = self.caption_index[:, first : first + 1].expand(-1, first)
        index = self.caption_index.clone()
        index[:, :first] = torch.where(chosen[:, None], own, index[:, :first])
        return replace(
            self,
            context=torch.where(chosen[:, None, None, None, None], 0.0, self.context),
            context_flags=torch.where(chosen[:, None], 0, self.context_flags),
            shot_flag=torch.where(chosen, 1, self.shot_flag),
            caption_index=index,
        )

    def without_text(self, chosen: Tensor) -> NextShotBatch:
        """Replaces the caption features of chosen samples ``[b]`` by zeros."""
        return replace(self, embeds=torch.where(chosen[:, None, None, None], 0.0, self.embeds))


def causal_frame_mask(context: int, frames: int, chunk: int) -> Tensor:
    """Which frame may attend to which, ``[context + frames, context + frames]``, true where it may.

    Context sees context; a chunk sees the context, earlier chunks and all of itself.
    """
    order = torch.cat((torch.zeros(context, dtype=torch.long), 1 + torch.arange(frames) // chunk))
    return order[:, None] >= order[None, :]
