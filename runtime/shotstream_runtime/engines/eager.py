# SPDX-License-Identifier: Apache-2.0
"""The eager engine: plain torch, runs everywhere, and is the truth the other engines are held against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from shotstream_runtime.engines.base import Renoise
from shotstream_runtime.engines.caption_runs import batch_caption, caption_runs, check_context
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


class EagerEngine:
    """Runs a student with eager torch."""

    name = "eager"

    def __init__(self, student: Student) -> None:
        self.student = student
        config = student.config
        self.schedule = FlowSchedule(config.timestep_shift, config.denoising_steps)
        self._modulations: dict[tuple[float, int], TimeModulation] = {}

    idle_bytes = 0

    def open_session(self, height: int, width: int, batch: int = 1) -> EagerSession:
        """Opens a session for latents of ``height x width``.

        Raises:
            ValueError: If the latent size is not a multiple of the student's patch.
        """
        return EagerSession(self, height, width, batch)

    def session_bytes(self, height: int, width: int, batch: int = 1) -> int:
        """See `Engine.session_bytes`: the dual cache."""
        config = self.student.config
        tokens = config.tokens_per_frame(height, width)
        itemsize = self.student.dtype.itemsize
        return DualCache.bytes_of(config, tokens_per_frame=tokens, itemsize=itemsize, batch=batch)

    def release_idle(self) -> None:
        """Nothing is kept between sessions."""

    def modulation(self, time: float, frames: int) -> TimeModulation:
        """Modulation of a pass whose frames all have one time; computed once per time and length."""
        key = (time, frames)
        if key not in self._modulations:
            times = torch.full((frames,), time, dtype=torch.float64, device=self.student.device)
            self._modulations[key] = self.student.modulate(times)
        return self._modulations[key]


class EagerSession:
    """A story's dual cache and the passes over it."""

    def __init__(self, engine: EagerEngine, height: int, width: int, batch: int) -> None:
        self._engine = engine
        self._student = engine.student
        self._height, self._width = height, width
        self.cache = DualCache(
            engine.student.config,
            tokens_per_frame=engine.student.config.tokens_per_frame(height, width),
            batch=batch,
            device=engine.student.device,
            dtype=engine.student.dtype,
        )
        self._local_rotary: tuple[tuple[int, int, int], RotaryTable] | None = None

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.cache.bytes

    @torch.inference_mode()
    def prepare_caption(self, embeds: Tensor) -> CaptionKeys:
        """Cross-attention keys of one caption ``[text_len, text_dim]``, shared by the rows of a batch.

        Raises:
            ValueError: If the features do not have the student's text shape.
        """
        return batch_caption(self._student, embeds, self.cache.batch)

    @torch.inference_mode()
    def prefill(self, latents: Tensor, shot_flags: Sequence[int], captions: Sequence[CaptionKeys]) -> None:
        """Context pass; see `EngineSession.prefill`.

        Raises:
            ValueError: If the numbers of latents, flags and captions differ from the student's context.
        """
        check_context(self._student.config, latents, shot_flags, captions)
        self._student.fill_cache(
            latents,
            self._engine.modulation(0.0, len(shot_flags)),
            self._rotary(0, shot_flags),
            caption_runs(captions),
            CacheAccess(self.cache, self.cache.context_span()),
        )

    @torch.inference_mode()
    def denoise(
        self, noise: Tensor, renoise: Renoise, *, first_frame: int, shot_flag: int, caption: CaptionKeys
    ) -> Tensor:
        """Generates one chunk; see `EngineSession.denoise`."""
        schedule = self._engine.schedule
        frames = noise.shape[1]
        rotary = self._chunk_rotary(first_frame, shot_flag, frames)
        access = CacheAccess(self.cache, self.cache.local_span(first_frame))
        runs = (CaptionRun(0, frames, caption),)

        def flow(noisy: Tensor, step: int) -> Tensor:
            modulation = self._engine.modulation(schedule.steps[step], frames)
            estimate: Tensor = self._student(noisy, modulation, rotary, runs, access)
            return estimate

        return schedule.denoise(noise, renoise, flow)

    @torch.inference_mode()
    def refresh(self, clean: Tensor, *, first_frame: int, shot_flag: int, caption: CaptionKeys) -> None:
        """Clean pass; see `EngineSession.refresh`."""
        frames = clean.shape[1]
        self._student.fill_cache(
            clean,
            self._engine.modulation(0.0, frames),
            self._chunk_rotary(first_frame, shot_flag, frames),
            (CaptionRun(0, frames, caption),),
            CacheAccess(self.cache, self.cache.local_span(first_frame)),
        )

    def _chunk_rotary(self, first_frame: int, shot_flag: int, frames: int) -> RotaryTable:
        # The denoising passes and the clean pass of a chunk share one table.
        key = (first_frame, shot_flag, frames)
        if self._local_rotary is None or self._local_rotary[0] != key:
            offset = self._student.config.max_context_frames + first_frame
            self._local_rotary = (key, self._rotary(offset, (shot_flag,) * frames))
        return self._local_rotary[1]

    def _rotary(self, first_position: int, shot_flags: Sequence[int]) -> RotaryTable:
        positions = torch.arange(first_position, first_position + len(shot_flags))
        return self._student.rotary_table(positions, torch.tensor(shot_flags), self._height, self._width)
