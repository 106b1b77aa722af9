# SPDX-License-Identifier: Apache-2.0
"""Keeps a host's stories in its journal: begins them there, writes what is asked of them, ends them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import StoryEnd

from shotstream_runtime.engines import Engine
from shotstream_runtime.journal.entries import Opening, StoryState, Wish
from shotstream_runtime.journal.errors import JournalError
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.weights.load import LoadedModel

from .announcer import FrameOutlet
from .hosted_story import HostedStory
from .story_recorder import StoryRecorder
from .stream_beats import stream_beat

_T = TypeVar("_T")

_STATES = {
    StoryEnd.DRAINED: StoryState.DRAINED,
    StoryEnd.STOPPED: StoryState.STOPPED,
    StoryEnd.FAILED: StoryState.FAILED,
}


class StoryKeeper:
    """A host's way to its journal; without a journal it does nothing.

    `begin`, `accept` and `wish` wait for the disk: they are called on the thread of `later`, without the
    host's lock.

    Args:
        journal: The journal, or None.
        model: The model that generates.
        engine: Executes its student.

    Attributes:
        engine: What executes the student: frames are bit-identical on the same.
    """

    def __init__(self, journal: Journal | None, model: LoadedModel, engine: Engine) -> None:
        if journal is not None:
            journal.history_shots = model.student.config.max_context_frames
        self._journal = journal
        self._model = model
        student = model.student
        dtype = str(student.dtype).removeprefix("torch.")
        self.engine = f"{engine.name}, {student.device}, {dtype}"

    @property
    def keeps(self) -> bool:
        """Whether there is a journal."""
        return self._journal is not None

    def later(self, write: Callable[[], _T]) -> Future[_T]:
        """Has something written that a request waits for, after what waits already.

        Raises:
            RequestRejected: The journal is closed.
        """
        assert self._journal is not None  # noqa: S101 - asked for with `keeps`
        try:
            return self._journal.grant_later(write)
        except JournalError as error:
            raise refusal_of(error) from error

    def tell_filed(self, story: HostedStory, outlet: FrameOutlet) -> None:
        """Has an outlet told which frames of a story are on disk."""
        if story.recorder is not None:
            story.recorder.journal.filed = partial(outlet.archived, story.id)

    # -- before a request is granted -------------------------------------------------------------------

    def begin(self, story: HostedStory, user: bytes | None) -> None:
        """Begins a story's journal.

        Args:
            story: The story.
            user: Its owner's public key (Z85), where there are keys.

        Raises:
            RequestRejected: It cannot be written.
        """
        if self._journal is None:
            return
        request, profile = story.request, self._model.profile
        opening = Opening(
            story_id=story.id,
            owner=story.owner,
            title=request.title,
            global_caption=request.global_caption,
            seed=request.seed,
            width=profile.width,
            height=profile.height,
            fps=float(profile.fps),
            model=profile.name,
            weights_hash=profile.weights_hash,
            engine=self.engine,
            user=None if user is None else user.decode(),
            created=time.time(),
        )
        try:
            story.recorder = StoryRecorder(self._journal.create(opening), opening.fps)
        except JournalError as error:
            raise refusal_of(error) from error

    def accept(self, story: HostedStory, beat_id: str) -> None:
        """Writes a beat that is about to be accepted.

        Raises:
            RequestRejected: It cannot be written, or the story has ended; then it is not on disk.
        """
        recorder, record = story.recorder, story.beats.get(beat_id)
        if recorder is None or record is None:
            raise _ended(story)
        try:
            recorder.journal.accept(stream_beat(record.script, beat_id), story.owner)
        except JournalError as error:
            raise refusal_of(error) from error

    def wish(self, story: HostedStory, wish: Wish, beat_id: str | None = None) -> None:
        """Writes what else a client asked for and is about to be granted.

        Raises:
            RequestRejected: It cannot be written, or the story has ended; then it is not on disk.
        """
        recorder = story.recorder
        if recorder is None:
            raise _ended(story)
        try:
            recorder.journal.wish(wish, beat_id)
        except JournalError as error:
            raise refusal_of(error) from error

    # -- the end -----------------------------------------------------------------------------------------

    def end(self, story: HostedStory, end: StoryEnd, reason: str | None) -> None:
        """Lets a story end in the journal too, unless it ends only because the server stops."""
        self._release(story, _STATES.get(end), reason)

    def suspend(self, story: HostedStory) -> None:
        """Lays a story aside: it goes on when somebody asks for it."""
        self._release(story, StoryState.SUSPENDED, None)

    def _release(self, story: HostedStory, state: StoryState | None, reason: str | None) -> None:
        if story.recorder is None:
            return
        journal, story.recorder = story.recorder.journal, None
        # One that failed because it could not be written stays open, and goes on when it can be.
        if state is not None and journal.failure is None:
            journal.end(state, reason)
        journal.release()
        if self._journal is not None:
            self._journal.enforce_retention_later()

    def close(self) -> None:
        """Writes what waits; nothing is written afterwards."""
        if self._journal is not None:
            self._journal.close()


def refusal_of(error: JournalError) -> RequestRejected:
    """The answer to a request that the journal could not keep: worth trying again once it is mended."""
    return RequestRejected(ErrorCode.BUSY, str(error))


def _ended(story: HostedStory) -> RequestRejected:
    if story.ending is StoryEnd.SERVER_STOPPING:
        return RequestRejected(ErrorCode.STOPPING, "the server is stopping; try again when it is back")
    return RequestRejected(
        ErrorCode.STORY_CLOSED, f"story {story.id!r} has ended meanwhile; open a new one", field="story_id"
    )
