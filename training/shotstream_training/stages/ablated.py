# SPDX-License-Identifier: Apache-2.0
"""Samples with something left out, for ablations by retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from shotstream_training.data.context_table import ContextTable
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.clip_source import ShotSource


class AblatedSource:
    """A source whose samples lack what is to be left out; nothing where neither is.

    Args:
        source: The whole samples.
        no_global_cache: Every shot looks like a first shot.
        target_caption_only: Condition frames read the caption that the target's first frame reads.

    Attributes:
        whole: That source.
    """

    def __init__(self, source: ShotSource, *, no_global_cache: bool, target_caption_only: bool) -> None:
        self.whole = source
        self._no_context, self._one_caption = no_global_cache, target_caption_only
        self.table: ContextTable = source.table
        self.size = source.size
        self.uses_context = source.uses_context and not no_global_cache

    @property
    def position(self) -> int:
        """Places shown so far."""
        return self.whole.position

    @position.setter
    def position(self, value: int) -> None:
        self.whole.position = value

    def take(self, batch: int) -> list[int]:
        """See `ShotSource`."""
        return self.whole.take(batch)

    def samples(self, places: Sequence[int]) -> NextShotBatch:
        """See `ShotSource`."""
        return self.ablate(self.whole.samples(places))

    def shot_of_stories(self, places: Sequence[int], shot: int) -> NextShotBatch:
        """See `ShotSource`."""
        return self.ablate(self.whole.shot_of_stories(places, shot))

    def ablate(self, batch: NextShotBatch) -> NextShotBatch:
        """The batch without what is left out."""
        if self._no_context:
            everyone = torch.ones(len(batch), dtype=torch.bool, device=batch.target.device)
            batch = batch.without_context(everyone)
        if self._one_caption:
            batch = replace(batch, caption_index=target_captions(batch))
        return batch


def target_captions(batch: NextShotBatch) -> Tensor:
    """Caption index with every condition frame reading what the target's first frame reads."""
    context = batch.context.shape[1]
    index = batch.caption_index.clone()
    index[:, :context] = index[:, context : context + 1]
    return index
