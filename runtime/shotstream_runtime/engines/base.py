# SPDX-License-Identifier: Apache-2.0
"""The interface of everything that executes the student."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from shotstream_runtime.model import CaptionKeys

Renoise = Callable[[int], Tensor]
"""Fresh noise ``[b, f, channels, h, w]`` for the step with the given number (1 for the second step, ...)."""


class EngineSession(Protocol):
    """One story's place on an engine: its dual cache and the passes over it.

    All tensors are on the session's device. Passes of one session are strictly sequential.
    """

    @property
    def bytes(self) -> int:
        """Memory that the session holds on the device."""
        ...

    def prepare_caption(self, embeds: Tensor) -> CaptionKeys:
        """Turns text features ``[text_len, text_dim]`` into what the passes read; constant per caption."""
        ...

    def prefill(self, latents: Tensor, shot_flags: Sequence[int], captions: Sequence[CaptionKeys]) -> None:
        """Context pass: fills the global context cache.

        Args:
            latents: Condition latents ``[b, frames, channels, h, w]``.
            shot_flags: Flag per condition frame.
            captions: Caption per condition frame.
        """
        ...

    def denoise(
        self, noise: Tensor, renoise: Renoise, *, first_frame: int, shot_flag: int, caption: CaptionKeys
    ) -> Tensor:
        """Generates one chunk with the few-step schedule.

        Args:
            noise: Initial noise ``[b, f, channels, h, w]``.
            renoise: Source of fresh noise between steps.
            first_frame: First latent frame of the chunk, counted within the shot.
            shot_flag: Flag of the running shot.
            caption: Caption of the chunk.

        Returns:
            The clean chunk, same shape as ``noise``.
        """
        ...

    def refresh(self, clean: Tensor, *, first_frame: int, shot_flag: int, caption: CaptionKeys) -> None:
        """Clean pass: overwrites the chunk's entries in the local context cache; arguments as `denoise`."""
        ...


class Engine(Protocol):
    """Executes a student."""

    @property
    def name(self) -> str:
        """Short name, as chosen on the command line."""
        ...

    def session_bytes(self, height: int, width: int, batch: int = 1) -> int:
        """Memory on the device that a session for latents of ``height x width`` will hold."""
        ...

    @property
    def idle_bytes(self) -> int:
        """Memory on the device that is kept for the next session, which takes it over."""
        ...

    def release_idle(self) -> None:
        """Frees that memory."""
        ...

    def open_session(self, height: int, width: int, batch: int = 1) -> EngineSession:
        """Opens a session for latents of ``height x width``; its memory is freed when it is dropped.

        Raises:
            ValueError: If the student cannot serve this size.
        """
        ...
