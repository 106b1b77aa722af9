# SPDX-License-Identifier: Apache-2.0
"""What a story stream holds of the shot that runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shotstream_runtime.codecs.video import DecoderStream
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
    decoder: DecoderStream
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
    """Latents of the last chunk that are still to be decoded."""

    def decode_rest(self, measure: Measure) -> Iterator[FramesReady]:
        """Decodes what is left of the last chunk, latent by latent, and keeps the frames.

        A latent whose decoding fails (out of memory) can be decoded again: nothing has changed.

        Args:
            measure: Times the decoding of each.
        """
        while self.undecoded:
            first = len(self.frames)
            with measure(Stage.DECODE):
                pictures = self._decode_next()
            self.beat_frames += len(pictures)
            yield FramesReady(
                self.beat.id, self.number, self.chunk - 1, self.first_index + first, first, pictures
            )

    # Inference mode belongs around what computes, never around a yield: the reader would inherit it.
    @torch.inference_mode()
    def _decode_next(self) -> NDArray[np.uint8]:
        decoder = self.decoder.fork()
        pixels = decoder.decode(self.undecoded[0])[0]
        pictures = _to_rgb8(pixels)
        self.frames.append(pixels, self.prompt)
        self.decoder = decoder
        self.undecoded.popleft()
        return pictures


def _to_rgb8(pixels: Tensor) -> NDArray[np.uint8]:
    """``[n, 3, h, w]`` in [-1, 1] to RGB8 pictures ``[n, h, w, 3]``."""
    scaled = pixels.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    pictures: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pictures
