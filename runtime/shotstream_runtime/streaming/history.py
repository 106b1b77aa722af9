# SPDX-License-Identifier: Apache-2.0
"""What a story remembers of its finished shots."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from shotstream_runtime.streaming.context import ContextSelection, select_context, selectable_frames
from shotstream_runtime.streaming.shot_frames import HistoryFrame, ShotFrames


class History:
    """Finished shots, reduced to what a later selection can pick.

    A finished shot can be asked for few of its frames (13 for six condition frames), and only the last shots
    as many as there are condition frames can be asked at all: memory is bounded whatever the story's length.
    What is not known to be picked yet, the frames of the running shot, `ShotFrames` holds.
    """

    def __init__(self, context_frames: int) -> None:
        self._context_frames = context_frames
        self._lengths: list[int] = []
        self._kept: deque[tuple[int, Mapping[int, HistoryFrame]]] = deque(maxlen=context_frames)

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

    def restore(self, lengths: Sequence[int], kept: Mapping[int, Mapping[int, HistoryFrame]]) -> None:
        """Takes in the shots of a story that was generated before.

        Args:
            lengths: Decoded frames of each shot.
            kept: What `of_shot` gave of the last shots, as many as there are condition frames, by shot.

        Raises:
            ValueError: A frame is missing that a later selection can pick.
        """
        first_kept = max(0, len(lengths) - self._context_frames)
        for shot, length in enumerate(lengths):
            wanted = selectable_frames(self.frames, length, self._context_frames)
            if shot >= first_kept:
                frames = kept.get(shot, {})
                if missing := [index for index in wanted if index not in frames]:
                    raise ValueError(f"frames {missing} of shot {shot} are missing from the story's history")
                self._kept.append((shot, frames))
            self._lengths.append(length)

    def of_shot(self, shot: int) -> Mapping[int, HistoryFrame]:
        """What is kept of a finished shot, by index in it; nothing of one that is not history."""
        return dict(self._kept).get(shot, {})

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
        kept: dict[int, Mapping[int, HistoryFrame] | ShotFrames] = dict(self._kept)
        if running is not None:
            kept[self.shots] = running
        return selection, [kept[pick.shot][pick.frame] for pick in selection.picks]


def condition_pixels(frames: Sequence[HistoryFrame]) -> Tensor:
    """Condition frames as one batch ``[n, 3, height, width]`` for the video encoder."""
    return torch.stack([frame.pixels for frame in frames])
