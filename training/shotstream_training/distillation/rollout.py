# SPDX-License-Identifier: Apache-2.0
"""The student's own generation during training, over the runtime's dual cache (paper section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from shotstream_runtime.model import (
    CacheAccess,
    CaptionKeys,
    CaptionRun,
    DualCache,
    FlowSchedule,
    RotaryTable,
    Student,
    TimeModulation,
)
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch


@dataclass(frozen=True)
class RolloutResult:
    """What a rollout leaves.

    Attributes:
        clean: Generated latents ``[b, f, channels, h, w]``, float32.
        entering: What entered the call at the exit step, same shape: the one call that may carry gradient.
    """

    clean: Tensor
    entering: Tensor


class Rollout:
    """Generates the target of a batch chunk by chunk, as the runtime does, for many samples at once.

    Without gradient throughout: once the caches stand, the calls at the exit step do not depend on one
    another any more, so `ForcedPass.flow` repeats all of them in one pass with gradient.

    Args:
        student: Generates; its type is the cache's.
        cache: A cache for this batch size; every slot that is read is written in the same rollout before.
        schedule: The few-step schedule.
    """

    def __init__(self, student: Student, cache: DualCache, schedule: FlowSchedule) -> None:
        self._student = student
        self._cache = cache
        self._schedule = schedule

    @torch.no_grad()
    def __call__(self, batch: NextShotBatch, noise: Tensor, exit_step: int) -> RolloutResult:
        """Rolls out.

        Args:
            batch: Context, flags and captions; of the target only the shape is used.
            noise: ``[steps, b, f, channels, h, w]``: where a chunk starts, then what it is re-noised with.
            exit_step: Index of the denoising step whose clean estimate is the chunk, the same for all chunks.
        """
        chunk = self._student.config.frames_per_chunk
        context = batch.context.shape[1]
        captions = self._student.embed_captions(batch.embeds.flatten(0, 1).to(self._student.dtype))
        self._student.fill_cache(
            batch.context,
            self._student.modulate(torch.zeros(context, device=batch.context.device)),
            self._rotary(batch, 0, context),
            [CaptionRun(i, i + 1, _rows(captions, batch, i)) for i in range(context)],
            CacheAccess(self._cache, self._cache.context_span()),
        )
        # One modulation per time serves all chunks: these small products cost launches, not arithmetic.
        times = [*self._schedule.steps[: exit_step + 1], 0.0]
        device = batch.context.device
        modulations = [self._student.modulate(torch.full((chunk,), time, device=device)) for time in times]
        cleans, entering = [], []
        frames = batch.target.shape[1]
        for first in range(0, frames, chunk):
            clean, entered = self._chunk(
                noise[:, :, first : first + chunk],
                self._rotary(batch, context + first, chunk),
                _rows(captions, batch, context + first),
                CacheAccess(self._cache, self._cache.local_span(first)),
                modulations,
                last=first + chunk >= frames,
            )
            cleans.append(clean)
            entering.append(entered)
        return RolloutResult(torch.cat(cleans, dim=1), torch.cat(entering, dim=1))

    def _chunk(
        self,
        noise: Tensor,
        rotary: RotaryTable,
        caption: CaptionKeys,
        access: CacheAccess,
        modulations: Sequence[TimeModulation],
        *,
        last: bool,
    ) -> tuple[Tensor, Tensor]:
        frames = noise.shape[2]
        runs = [CaptionRun(0, frames, caption)]
        clean = entering = noise[0]
        *denoising, refreshing = modulations
        for step, modulation in enumerate(denoising):
            sigma = self._schedule.sigma(self._schedule.steps[step])
            if step:
                entering = self._schedule.renoise(clean, noise[step], sigma)
            flow = self._student(entering, modulation, rotary, runs, access)
            clean = entering - sigma * flow.float()
        if not last:
            self._student.fill_cache(clean, refreshing, rotary, runs, access)
        return clean, entering

    def _rotary(self, batch: NextShotBatch, first: int, frames: int) -> RotaryTable:
        flags = batch.flags[:, first : first + frames]
        positions = batch.positions[first : first + frames].expand_as(flags)
        return self._student.rotary_table(positions, flags, *batch.target.shape[-2:])


def _rows(captions: CaptionKeys, batch: NextShotBatch, frame: int) -> CaptionKeys:
    """Each sample's caption at one frame, out of the keys of all captions ``[b x n, ...]``."""
    count = batch.embeds.shape[1]
    rows = torch.arange(len(batch), device=batch.embeds.device) * count + batch.caption_index[:, frame]
    return CaptionKeys(tuple((keys[rows], values[rows]) for keys, values in captions.layers))
