# SPDX-License-Identifier: Apache-2.0
"""What a story remembers of its finished shots."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from shotstream_runtime.streaming.context import ContextSelection, select_context, selectable_frames


@dataclass(frozen=True, slots=True)
class HistoryFrame:
    """A decoded frame that may become a condition frame.

    Attributes:
        pixels: ``[3, height, width]`` float32 in [-1, 1], clipped, on the CPU. 8-bit pictures would not do:
            they move the context latents by 4e-2.
        prompt: The prompt that governed the frame; as a condition frame it attends to this one.
    """

    pixels: Tensor
    prompt: str


class ShotFrames:
    """All frames of the shot that is running; a later selection depends on its final length."""

    def __init__(self) -> None:
        self._frames: list[HistoryFrame] = []

    def append(self, pixels: Tensor, prompt: str) -> None:
        """Adds decoded frames ``[n, 3, height, width]``."""
        self._frames.extend(HistoryFrame(frame, prompt) for frame in pixels.float().cpu())

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> HistoryFrame:
        return self._frames[index]


class History:
    """Finished shots, reduced to what a later selection can pick.

    A finished shot can be asked for few of its frames (13 for six condition frames), and only the last shots
    as many as there are condition frames can be asked at all: memory is bounded whatever the story's length.
    """

    def __init__(self, context_frames: int) -> None:
        self._context_frames = context_frames
        self._lengths: list[int] = []
        self._kept: deque[tuple[int, dict[int, HistoryFrame]]] = deque(maxlen=context_frames)

    @property
    def shots(self) -> int:
        """Finished shots."""
        return len(self._lengths)

    @property
    def frames(self) -> int:
        """Decoded frames of all finished shots."""
        return sum(self._lengths)

    @property
    def kept_frames(self) -> int:
        """Frames held in memory."""
        return sum(len(frames) for _, frames in self._kept)

    def add(self, shot: ShotFrames) -> None:
        """Takes in a shot that has ended.

        Raises:
            ValueError: If it has no frame.
        """
        if not len(shot):
            raise ValueError("a finished shot has at least one frame")
        keep = selectable_frames(self.frames, len(shot), self._context_frames)
        self._kept.append((self.shots, {index: shot[index] for index in keep}))
        self._lengths.append(len(shot))

    def select(self, running: ShotFrames | None = None) -> tuple[ContextSelection, Sequence[HistoryFrame]]:
        """The condition frames for the next shot.

        Args:
            running: A shot that has just ended but was not added, because it may still be extended.

        Returns:
            The selection and its frames, in the same order; no frames before the first shot.
        """
        lengths = list(self._lengths)
        if running is not None:
            lengths.append(len(running))
        selection = select_context(lengths, self._context_frames)
        kept: dict[int, dict[int, HistoryFrame] | ShotFrames] = dict(self._kept)
        if running is not None:
            kept[self.shots] = running
        return selection, [kept[pick.shot][pick.frame] for pick in selection.picks]


def condition_pixels(frames: Sequence[HistoryFrame]) -> Tensor:
    """Condition frames as one batch ``[n, 3, height, width]`` for the video encoder."""
    return torch.stack([frame.pixels for frame in frames])
