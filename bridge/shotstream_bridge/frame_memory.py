# SPDX-License-Identifier: Apache-2.0
"""The newest frames of each story, for clients that come back after a lost connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from shotstream_bridge.frames import Frame


class FrameMemory:
    """Frames kept within a budget of bytes. Not thread-safe: its owner has the lock.

    The oldest frame of the story that takes most is let go first. A frame that a lossless watcher has not
    confirmed is kept even over the budget: watchers bound those by their credits. So is one of a story whose
    host archives its frames, until it is archived: the host bounds those.

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
        self._next: dict[str, int] = {}
        self._archived: dict[str, int] = {}

    def begin(self, story_id: str, index: int) -> None:
        """A story goes on with a frame; those before it are archived by its host, as later ones will be."""
        self.forget(story_id)
        self._next[story_id] = self._archived[story_id] = index

    def archive(self, story_id: str, index: int) -> None:
        """The host has archived a story's frames up to a number: those after it are kept until it has."""
        if story_id in self._archived:
            self._archived[story_id] = index

    def is_archived(self, story_id: str) -> bool:
        """Whether a story's host archives its frames."""
        return story_id in self._archived

    def start_over(self, story_id: str) -> None:
        """Another story has this name now."""
        self._frames.pop(story_id, None)
        self._total -= self._bytes.pop(story_id, 0)

    def keep(self, frame: Frame) -> None:
        """Keeps a frame that was just published; a story that starts over loses its older ones."""
        frames = self._frames.setdefault(frame.story_id, deque())
        if frames and frame.index <= frames[-1].index:
            self.start_over(frame.story_id)
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
        """The number that follows the newest frame; without any the one the story goes on with, or 0."""
        frames = self._frames.get(story_id)
        return frames[-1].index + 1 if frames else self._next.get(story_id, 0)

    def forget(self, story_id: str) -> None:
        """Lets all frames of a story go."""
        self.start_over(story_id)
        self._next.pop(story_id, None)
        self._archived.pop(story_id, None)

    def _let_one_go(self) -> bool:
        for story_id in sorted(self._bytes, key=self._bytes.__getitem__, reverse=True):
            frames = self._frames[story_id]
            pins = (self._pin(story_id), self._archived.get(story_id))
            pinned = min((pin for pin in pins if pin is not None), default=None)
            # The newest stays, so that a story's next number is always known.
            if len(frames) > 1 and (pinned is None or frames[0].index < pinned):
                size = frames.popleft().pixels.nbytes
                self._bytes[story_id] -= size
                self._total -= size
                return True
        return False
