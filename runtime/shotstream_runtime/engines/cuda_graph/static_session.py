# SPDX-License-Identifier: Apache-2.0
"""One story's static buffers: the dual cache, the inputs of a chunk, and the graphs over them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from shotstream_runtime.engines.base import Renoise
from shotstream_runtime.engines.caption_runs import batch_caption, caption_runs, check_context
from shotstream_runtime.engines.cuda_graph.graphs import Lane
from shotstream_runtime.engines.cuda_graph.static_inputs import StaticCaption, StaticRotary, fill
from shotstream_runtime.engines.cuda_graph.static_student import StaticStudent
from shotstream_runtime.model import CacheSpan, CaptionKeys, CaptionRun, DualCache, FlowSchedule, RotaryTable

CLEAN_TIME = 0.0


class StaticBuffers:
    """Everything of a session that stays at its place in memory, and may be used by one story after another.

    Args:
        passes: The student's passes.
        schedule: Its few steps.
        lane: Where its passes are done.
        height: Latent rows.
        width: Latent columns.
        batch: Rows of a batch.
        cache_dtype: Type of the dual cache.
        device: Another device than the student's; ``meta`` to weigh them.
    """

    def __init__(
        self,
        passes: StaticStudent,
        schedule: FlowSchedule,
        lane: Lane,
        *,
        height: int,
        width: int,
        batch: int,
        cache_dtype: torch.dtype,
        device: torch.device | None = None,
    ) -> None:
        student = passes.student
        config, dtype = student.config, student.dtype
        device = device or student.device
        tokens = config.tokens_per_frame(height, width)
        self.size = (height, width, batch)
        self.passes, self.schedule, self.lane = passes, schedule, lane
        self.cache = DualCache(config, tokens_per_frame=tokens, batch=batch, device=device, dtype=cache_dtype)
        chunk = (batch, config.frames_per_chunk, config.in_dim, height, width)
        self.noise = torch.zeros(chunk, device=device, dtype=dtype)
        self.fresh = torch.zeros((len(schedule.steps) - 1, *chunk), device=device, dtype=dtype)
        self.clean = torch.zeros(chunk, device=device, dtype=dtype)
        self.rotary = StaticRotary(config.frames_per_chunk, tokens, config.head_dim, device)
        self.caption = StaticCaption(config, batch, device, dtype)
        self.graphs = lane.graphs()

    @property
    def bytes(self) -> int:
        """Memory held, but for what graphs use on the way."""
        inputs = (self.noise, self.fresh, self.clean, self.rotary.table.cos, self.rotary.table.sin)
        return self.cache.bytes + self.caption.bytes + sum(tensor.nbytes for tensor in inputs)

    def prepare(self) -> None:
        """Does every piece of work of a shot within the window once, so that none is captured while it runs.

        What it leaves in the cache is overwritten before it is read.
        """
        config = self.passes.student.config
        for first in range(0, config.local_window_frames, config.frames_per_chunk):
            span = self.cache.local_span(first)
            self.denoise(span)
            self.refresh(span)

    def denoise(self, span: CacheSpan) -> None:
        """All steps of a chunk, `noise` and `fresh` to `clean`."""

        def work() -> None:
            def flow(noisy: Tensor, step: int) -> Tensor:
                time = self.schedule.steps[step]
                return self.passes.forward(noisy, time, self.rotary.table, self._runs, self.cache, span)

            clean = self.schedule.denoise(self.noise, lambda step: self.fresh[step - 1], flow)
            self.clean.copy_(clean)

        self.graphs.run(("denoise", span), work)

    def refresh(self, span: CacheSpan) -> None:
        """The clean pass of what `clean` holds."""

        def work() -> None:
            self.passes.fill_cache(self.clean, CLEAN_TIME, self.rotary.table, self._runs, self.cache, span)

        self.graphs.run(("refresh", span), work)

    @property
    def _runs(self) -> tuple[CaptionRun]:
        return (CaptionRun(0, self.noise.shape[1], self.caption.keys),)


class StaticSession:
    """A story's session over static buffers; see `EngineSession`."""

    def __init__(self, buffers: StaticBuffers) -> None:
        self._buffers = buffers
        self._student = buffers.passes.student
        self._config = self._student.config

    @property
    def cache(self) -> DualCache:
        """The dual cache."""
        return self._buffers.cache

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self._buffers.bytes

    @torch.inference_mode()
    def prepare_caption(self, embeds: Tensor) -> CaptionKeys:
        """Cross-attention keys of one caption; see `EngineSession.prepare_caption`.

        Raises:
            ValueError: If the features do not have the student's text shape.
        """
        return batch_caption(self._student, embeds, self._buffers.cache.batch)

    @torch.inference_mode()
    def prefill(self, latents: Tensor, shot_flags: Sequence[int], captions: Sequence[CaptionKeys]) -> None:
        """Context pass; see `EngineSession.prefill`. Once a shot, so it is not worth a graph.

        Raises:
            ValueError: If the numbers of latents, flags and captions differ from the student's context.
        """
        check_context(self._config, latents, shot_flags, captions)
        device = self._student.device
        table = self._table(0, shot_flags)
        table = RotaryTable(table.cos.to(device), table.sin.to(device))
        with self._buffers.lane.entered():
            self._buffers.passes.fill_cache(
                latents, CLEAN_TIME, table, caption_runs(captions), self.cache, self.cache.context_span()
            )

    @torch.inference_mode()
    def denoise(
        self, noise: Tensor, renoise: Renoise, *, first_frame: int, shot_flag: int, caption: CaptionKeys
    ) -> Tensor:
        """Generates one chunk; see `EngineSession.denoise`."""
        buffers = self._buffers
        span = self.cache.local_span(first_frame)
        self._place(first_frame, shot_flag, caption)
        fill(buffers.noise, noise)
        for step in range(1, len(buffers.schedule.steps)):
            fill(buffers.fresh[step - 1], renoise(step))
        buffers.denoise(span)
        return buffers.clean.clone()

    @torch.inference_mode()
    def refresh(self, clean: Tensor, *, first_frame: int, shot_flag: int, caption: CaptionKeys) -> None:
        """Clean pass; see `EngineSession.refresh`."""
        self._place(first_frame, shot_flag, caption)
        fill(self._buffers.clean, clean)
        self._buffers.refresh(self.cache.local_span(first_frame))

    def _place(self, first_frame: int, shot_flag: int, caption: CaptionKeys) -> None:
        rotary, key = self._buffers.rotary, (first_frame, shot_flag)
        if not rotary.holds(key):
            flags = (shot_flag,) * self._config.frames_per_chunk
            rotary.hold(key, self._table(self._config.max_context_frames + first_frame, flags))
        self._buffers.caption.hold(caption)

    def _table(self, first_position: int, shot_flags: Sequence[int]) -> RotaryTable:
        _, rows, columns = self._config.patch_size
        height, width, _ = self._buffers.size
        positions = torch.arange(first_position, first_position + len(shot_flags))
        return self._student.rotary.table(
            positions, torch.tensor(shot_flags), height // rows, width // columns
        )
