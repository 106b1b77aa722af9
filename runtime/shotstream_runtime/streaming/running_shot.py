# SPDX-License-Identifier: Apache-2.0
"""What a story stream holds of the shot that runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from shotstream_runtime.codecs.frame_decoder import FrameDecoder, PendingFrames
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.shot_context import ShotContext
from shotstream_runtime.streaming.shot_frames import ShotFrames
from shotstream_runtime.streaming.stage_times import Measure, Stage


@dataclass(slots=True, eq=False)
class RunningShot:
    """The shot that runs, or that ended last and may still be extended."""

    number: int
    context: ShotContext
    decoder: FrameDecoder
    frames: ShotFrames
    first_index: int
    beat: Beat
    prompt: str
    remaining: int
    chunk: int = 0
    beat_frames: int = 0
    beat_open: bool = True
    unrefreshed: tuple[Tensor, int, str] | None = None
    """Last chunk (clean latents, first latent frame, prompt) whose clean pass nothing has needed yet."""
    undecoded: deque[Tensor] = field(default_factory=deque)
    """Latents of the last chunk whose decoding has not begun."""
    pending: deque[PendingFrames] = field(default_factory=deque)
    """Frames of its latents that are being decoded, or could not be kept yet."""

    @property
    def undelivered(self) -> bool:
        """Whether frames of the last chunk are still to be told."""
        return bool(self.undecoded or self.pending)

    def decode_rest(self, measure: Measure) -> Iterator[FramesReady]:
        """Decodes what is left of the last chunk, latent by latent, and keeps the frames.

        A latent whose decoding fails (out of memory), or whose frames cannot be kept, comes again: nothing
        has changed.

        Args:
            measure: Times the decoding of each.
        """
        while self.undelivered:
            first = len(self.frames)
            with measure(Stage.DECODE):
                pictures = self._take_next()
            self.beat_frames += len(pictures)
            yield FramesReady(
                self.beat.id, self.number, self.chunk - 1, self.first_index + first, first, pictures
            )

    def _take_next(self) -> NDArray[np.uint8]:
        while self.undecoded and len(self.pending) < self.decoder.ahead:
            self.pending.append(self.decoder.begin(self.undecoded[0]))
            self.undecoded.popleft()
        decoded = self.pending[0].frames()
        self.frames.append(decoded.pixels, self.prompt)
        self.pending.popleft()
        return decoded.pictures
