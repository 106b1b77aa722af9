# SPDX-License-Identifier: Apache-2.0
"""The student's own generation during training, over the runtime's dual cache (paper section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from shotstream_runtime.model import (
    CacheAccess,
    CaptionKeys,
    CaptionRun,
    DualCache,
    FlowSchedule,
    RotaryTable,
    Student,
)
from torch import Tensor

from shotstream_training.next_shot import NextShotBatch


class Rollout:
    """Generates the target of a batch chunk by chunk, as the runtime does, for many samples at once.

    Keys and values of the context and of finished chunks are written without gradient. Only the call at the
    exit step carries gradient, and its keys never enter the cache: no gradient flows from chunk to chunk.
    """

    def __init__(self, student: Student, schedule: FlowSchedule, *, cache_dtype: torch.dtype) -> None:
        self._student = student
        self._schedule = schedule
        self._cache_dtype = cache_dtype
        self._cache: DualCache | None = None

    def __call__(
        self, batch: NextShotBatch, *, exit_step: int, generator: torch.Generator, gradient: bool
    ) -> Tensor:
        """Rolls out.

        Args:
            batch: Context, flags and captions; of the target only the shape is used.
            exit_step: Index of the denoising step whose clean estimate is the chunk, the same for all chunks.
            generator: Source of all noise, on the batch's device.
            gradient: Whether the exit step carries gradient.

        Returns:
            Clean latents like the target, float32.
        """
        config = self._student.config
        height, width = batch.target.shape[-2:]
        context = batch.context.shape[1]
        cache = self._room(batch, height, width)
        with torch.no_grad():
            captions = self._captions(batch)
            self._student.fill_cache(
                batch.context,
                self._student.modulate(torch.zeros(context, device=batch.target.device)),
                self._rotary(batch, 0, context),
                [CaptionRun(i, i + 1, self._rows(captions, batch, i)) for i in range(context)],
                CacheAccess(cache, cache.context_span()),
            )
        live = self._captions(batch) if gradient else captions
        chunks = []
        for first in range(0, batch.target.shape[1], config.frames_per_chunk):
            place = context + first
            chunk = self._chunk(
                batch.target[:, first : first + config.frames_per_chunk],
                self._rotary(batch, place, config.frames_per_chunk),
                (self._rows(captions, batch, place), self._rows(live, batch, place)),
                CacheAccess(cache, cache.local_span(first)),
                exit_step,
                generator,
                gradient,
            )
            chunks.append(chunk)
        return torch.cat(chunks, dim=1)

    def _chunk(
        self,
        like: Tensor,
        rotary: RotaryTable,
        captions: tuple[CaptionKeys, CaptionKeys],
        access: CacheAccess,
        exit_step: int,
        generator: torch.Generator,
        gradient: bool,
    ) -> Tensor:
        frames = like.shape[1]
        still, live = ([CaptionRun(0, frames, caption)] for caption in captions)

        def noise() -> Tensor:
            return torch.randn(like.shape, generator=generator, device=like.device)

        clean = noisy = noise()
        for step in range(exit_step + 1):
            time = self._schedule.steps[step]
            sigma = self._schedule.sigma(time)
            if step:
                noisy = self._schedule.renoise(clean, noise(), sigma)
            carries = gradient and step == exit_step
            with torch.set_grad_enabled(carries):
                modulation = self._student.modulate(torch.full((frames,), time, device=like.device))
                flow = self._student(
                    noisy,
                    modulation,
                    rotary,
                    live if carries else still,
                    CacheAccess(access.cache, access.span, in_place=not carries),
                )
                clean = noisy - sigma * flow.float()
        with torch.no_grad():
            self._student.fill_cache(
                clean.detach(),
                self._student.modulate(torch.zeros(frames, device=like.device)),
                rotary,
                still,
                access,
            )
        return clean

    def _room(self, batch: NextShotBatch, height: int, width: int) -> DualCache:
        # Kept between calls: every slot that is read was written in the same rollout before.
        tokens = self._student.config.tokens_per_frame(height, width)
        if self._cache is None or (self._cache.batch, self._cache.tokens_per_frame) != (len(batch), tokens):
            self._cache = DualCache(
                self._student.config,
                tokens_per_frame=tokens,
                batch=len(batch),
                device=batch.target.device,
                dtype=self._cache_dtype,
            )
        return self._cache

    def _captions(self, batch: NextShotBatch) -> CaptionKeys:
        """Keys of all captions of the batch, ``[b x n, ...]``."""
        return self._student.embed_captions(batch.embeds.flatten(0, 1))

    @staticmethod
    def _rows(captions: CaptionKeys, batch: NextShotBatch, frame: int) -> CaptionKeys:
        """Each sample's caption at one frame."""
        count = batch.embeds.shape[1]
        rows = torch.arange(len(batch), device=batch.target.device) * count + batch.caption_index[:, frame]
        return CaptionKeys(tuple((keys[rows], values[rows]) for keys, values in captions.layers))

    def _rotary(self, batch: NextShotBatch, first: int, frames: int) -> RotaryTable:
        flags = batch.flags[:, first : first + frames]
        positions = batch.positions[first : first + frames].expand_as(flags)
        return self._student.rotary_table(positions, flags, *batch.target.shape[-2:])


def shared_exit_step(steps: Sequence[float], generator: torch.Generator) -> int:
    """Draws the exit step of one rollout, uniform over the few steps.

    The generator lives on the CPU and is seeded alike on all workers: every chunk and every worker exits at
    the same step.
    """
    return int(torch.randint(len(steps), (), generator=generator))
