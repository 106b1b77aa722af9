# SPDX-License-Identifier: Apache-2.0
"""Those who follow a story from outside: the recorder of its take, the progress table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from .movie import PixelArray


class StoryObserver(Protocol):
    """Hears what becomes of a story, whether it runs in this process or behind a socket."""

    def beat_submitted(self, beat_id: str, text: str, mode: str, policy: str) -> None:
        """A beat went out."""

    def beat_scheduled(self, beat_id: str, shot: int, first_frame: int) -> None:
        """A beat will act from frame `first_frame` of the story on, in shot `shot`; both from 0."""

    def add_frame(
        self, pixels: PixelArray, *, index: int, shot: int, index_in_shot: int, chunk: int, beat_id: str
    ) -> None:
        """A frame, ``[H, W, 3]`` uint8 RGB; all numbers from 0."""

    def beat_done(self, beat_id: str, outcome: str, frames: int, reason: str | None = None) -> None:
        """A beat ended, with this many frames."""

    def notice(self, code: str, text: str, beat_id: str | None = None) -> None:
        """Something that people should know."""


class Observers:
    """Several observers as one; all of them hear of a thing, or none.

    Args:
        observers: In the order in which they are told.
        whole: Entered around each telling; for those who must not be interrupted in its middle.
    """

    def __init__(
        self,
        observers: Sequence[StoryObserver],
        whole: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._observers = tuple(observers)
        self._whole = whole

    def beat_submitted(self, beat_id: str, text: str, mode: str, policy: str) -> None:
        """See `StoryObserver.beat_submitted`."""
        with self._whole():
            for observer in self._observers:
                observer.beat_submitted(beat_id, text, mode, policy)

    def beat_scheduled(self, beat_id: str, shot: int, first_frame: int) -> None:
        """See `StoryObserver.beat_scheduled`."""
        with self._whole():
            for observer in self._observers:
                observer.beat_scheduled(beat_id, shot, first_frame)

    def add_frame(
        self, pixels: PixelArray, *, index: int, shot: int, index_in_shot: int, chunk: int, beat_id: str
    ) -> None:
        """See `StoryObserver.add_frame`."""
        with self._whole():
            for observer in self._observers:
                observer.add_frame(
                    pixels, index=index, shot=shot, index_in_shot=index_in_shot, chunk=chunk, beat_id=beat_id
                )

    def beat_done(self, beat_id: str, outcome: str, frames: int, reason: str | None = None) -> None:
        """See `StoryObserver.beat_done`."""
        with self._whole():
            for observer in self._observers:
                observer.beat_done(beat_id, outcome, frames, reason)

    def notice(self, code: str, text: str, beat_id: str | None = None) -> None:
        """See `StoryObserver.notice`."""
        with self._whole():
            for observer in self._observers:
                observer.notice(code, text, beat_id)
