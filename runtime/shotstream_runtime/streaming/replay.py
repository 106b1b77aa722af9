# SPDX-License-Identifier: Apache-2.0
"""Bringing a story back to where it was: its history, then its last chunks under the same beats again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import Outcome
from shotstream_runtime.streaming.shot_frames import HistoryFrame


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """Something that was decided before a chunk.

    Attributes:
        chunk: How many chunks the story had.
        beat: The beat that took effect; None: the running one was ended.
        outcome: With what outcome it was.
    """

    chunk: int
    beat: Beat | None
    outcome: Outcome = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPast:
    """What is known of a story that was generated before.

    Attributes:
        shot_lengths: Decoded frames of the shots that are over, all of them.
        history: Condition frames of the last of these shots, by shot and index in it.
        first_chunk: How many chunks these shots have.
        steps: What was decided from then on, in order; the first one begins a shot.
        chunks: How many chunks the story had in all: the last ones are made again exactly as they were.
        latents: Clean latents of the chunks from `first_chunk` on, as far as they are kept; a chunk without
            is denoised again.
        withdrawn: Beats that were taken back, which has not taken effect yet.
    """

    shot_lengths: Sequence[int] = ()
    history: Mapping[int, Mapping[int, HistoryFrame]] = field(default_factory=dict)
    first_chunk: int = 0
    steps: Sequence[ReplayStep] = ()
    chunks: int = 0
    latents: Sequence[Tensor] = ()
    withdrawn: frozenset[str] = frozenset()


class Replay:
    """Walks through a story's past, chunk by chunk.

    Attributes:
        chunk: How many chunks the story has by now.
    """

    def __init__(self, past: StoryPast) -> None:
        self._past = past
        self._steps = deque(past.steps)
        self.chunk = past.first_chunk

    @property
    def active(self) -> bool:
        """Whether what comes next is known already."""
        return bool(self._steps) or self.chunk < self._past.chunks

    def steps(self) -> Iterator[ReplayStep]:
        """What was decided before the next chunk."""
        while self._steps and self._steps[0].chunk <= self.chunk:
            yield self._steps.popleft()

    def latents(self) -> Tensor | None:
        """The clean latents of the next chunk, ``[1, frames, channels, h, w]``, if they are kept."""
        place = self.chunk - self._past.first_chunk
        return self._past.latents[place] if place < len(self._past.latents) else None
