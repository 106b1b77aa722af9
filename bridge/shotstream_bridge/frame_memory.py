# SPDX-License-Identifier: Apache-2.0
"""The newest frames of each story, for clients that come back after a lost connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from shotstream_bridge.frames import Frame


class FrameMemory:
    """Frames kept within a budget of bytes. Not thread-safe: its owner has the lock.

    The oldest frame of the story that takes most is let go first. A frame that a lossless watcher has not
    confirmed is kept even over the budget: watchers bound those by their credits.

    Args:
        budget: Bytes, over all stories.
        pin: Gives the first frame of a story that must be kept; None for none.
    """

    def __init__(self, budget: int, pin: Callable[[str], int | None]) -> None:
        self._budget = budget
        self._pin = pin
        self._frames: dict[str, deque[Frame]] = {}
        self._bytes: dict[str, int] = {}
        self._total = 0

    def keep(self, frame: Frame) -> None:
        """Keeps a frame that was just published; a story that starts over loses its older ones."""
        frames = self._frames.setdefault(frame.story_id, deque())
        if frames and frame.index <= frames[-1].index:
            self.forget(frame.story_id)
            frames = self._frames.setdefault(frame.story_id, deque())
        frames.append(frame)
        size = frame.pixels.nbytes
        self._bytes[frame.story_id] = self._bytes.get(frame.story_id, 0) + size
        self._total += size
        while self._total > self._budget and self._let_one_go():
            pass

    def since(self, story_id: str, index: int) -> list[Frame]:
        """The kept frames of a story from a number on."""
        return [frame for frame in self._frames.get(story_id, ()) if frame.index >= index]

    def first(self, story_id: str) -> int | None:
        """The number of the oldest kept frame."""
        frames = self._frames.get(story_id)
        return frames[0].index if frames else None

    def next_index(self, story_id: str) -> int:
        """The number that follows the newest frame; 0 without any."""
        frames = self._frames.get(story_id)
        return frames[-1].index + 1 if frames else 0

    def forget(self, story_id: str) -> None:
        """Lets all frames of a story go."""
        self._frames.pop(story_id, None)
        self._total -= self._bytes.pop(story_id, 0)

    def _let_one_go(self) -> bool:
        for story_id in sorted(self._bytes, key=self._bytes.__getitem__, reverse=True):
            frames = self._frames[story_id]
            pinned = self._pin(story_id)
            # The newest stays, so that a story's next number is always known.
            if len(frames) > 1 and (pinned is None or frames[0].index < pinned):
                size = frames.popleft().pixels.nbytes
                self._bytes[story_id] -= size
                self._total -= size
                return True
        return False
