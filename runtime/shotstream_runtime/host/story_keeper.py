# SPDX-License-Identifier: Apache-2.0
"""Keeps a host's stories in its journal: begins them there, ends them, and finds those that go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import OpenStory, StoryEnd

from shotstream_runtime.engines import Engine
from shotstream_runtime.journal.entries import Opening, StoryState, Wish
from shotstream_runtime.journal.errors import JournalError
from shotstream_runtime.journal.journal import Journal, StoryListing
from shotstream_runtime.journal.resumption import Resumption, plan_resumption
from shotstream_runtime.journal.story_folder import StoryFolder
from shotstream_runtime.journal.story_reader import StoredFrame, StoryReader
from shotstream_runtime.streaming.replay import StoryPast
from shotstream_runtime.weights.load import LoadedModel

from .hosted_story import BeatRecord, HostedStory
from .story_recorder import StoryRecorder
from .stream_beats import beat_script, stream_beat

_log = logging.getLogger(__name__)

# Frames shown again to clients that come back, before the shot that comes again: 30 s at 16 fps.
_SHOWN_AGAIN = 480
_STATES = {
    StoryEnd.DRAINED: StoryState.DRAINED,
    StoryEnd.STOPPED: StoryState.STOPPED,
    StoryEnd.FAILED: StoryState.FAILED,
}


class StoryKeeper:
    """A host's way to its journal; without a journal it does nothing.

    Its methods wait for the disk, so they are called without the host's lock.

    Args:
        journal: The journal, or None.
        model: The model that generates.
        engine: Executes its student.
    """

    def __init__(self, journal: Journal | None, model: LoadedModel, engine: Engine) -> None:
        if journal is not None:
            journal.history_shots = model.student.config.max_context_frames
        self._journal = journal
        self._model = model
        student = model.student
        dtype = str(student.dtype).removeprefix("torch.")
        self._engine = f"{engine.name}, {student.device}, {dtype}"

    # -- before a request is granted -------------------------------------------------------------------

    def begin(self, story: HostedStory) -> None:
        """Begins a story's journal.

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
            engine=self._engine,
            created=time.time(),
        )
        try:
            story.recorder = StoryRecorder(self._journal.create(opening), opening.fps)
        except JournalError as error:
            raise _refusal(error) from error

    def accept(self, story: HostedStory, beat_id: str) -> None:
        """Writes a beat that is about to be accepted.

        Raises:
            RequestRejected: It cannot be written.
        """
        if story.recorder is None:
            return
        try:
            script = story.beats[beat_id].script
            story.recorder.journal.accept(stream_beat(script, beat_id), story.owner)
        except JournalError as error:
            raise _refusal(error) from error

    def wish(self, story: HostedStory, wish: Wish, beat_id: str | None = None) -> None:
        """Writes what else a client asked for and is about to be granted.

        Raises:
            RequestRejected: It cannot be written.
        """
        if story.recorder is None:
            return
        try:
            story.recorder.journal.wish(wish, beat_id)
        except JournalError as error:
            raise _refusal(error) from error

    # -- the end -----------------------------------------------------------------------------------------

    def end(self, story: HostedStory, end: StoryEnd, reason: str | None) -> None:
        """Lets a story end in the journal too, unless it ends only because the server stops."""
        if story.recorder is None:
            return
        journal, story.recorder = story.recorder.journal, None
        state = _STATES.get(end)
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

    # -- a new start -------------------------------------------------------------------------------------

    def stories_to_go_on(self) -> Iterator[tuple[HostedStory, StoryPast]]:
        """The stories that were open when the server ended, the newest first, each with its past."""
        if self._journal is None:
            return
        for gone in self._journal.enforce_retention():
            _log.info("story %d of the journal was deleted: it ended too long ago", gone.number)
        for listing in reversed(self._journal.open_stories()):
            try:
                going_on = self._revive(self._journal, listing)
            except JournalError as error:
                _log.error("%s", error)
                continue
            if going_on is not None:
                yield going_on

    def _revive(self, journal: Journal, listing: StoryListing) -> tuple[HostedStory, StoryPast] | None:
        opening = listing.story.opening
        hash_now = self._model.profile.weights_hash
        if opening is not None and opening.weights_hash != hash_now:
            raise JournalError(
                listing.path,
                f"story {opening.story_id!r} was made by model {opening.model!r} with other weights "
                f"({opening.weights_hash[:12]}, now {hash_now[:12]}); serve that model to go on with it",
            )
        frames = self._model.student.config.max_context_frames
        plan = plan_resumption(StoryFolder(listing.path), listing.story, frames)
        if plan.opening.engine != self._engine:
            _log.warning(
                "story %s was made by engine %r and goes on with %r: what is generated again may differ",
                plan.opening.story_id,
                plan.opening.engine,
                self._engine,
            )
        story_journal = journal.reopen(listing)
        if plan.ending is Wish.STOP:
            story_journal.end(StoryState.STOPPED)
            story_journal.release()
            return None
        story = _story(plan)
        story.recorder = StoryRecorder(story_journal, plan.opening.fps, listing.story, plan.past.first_chunk)
        story.earlier = _frames_before(listing, plan.first_frame)
        return story, plan.past


def _frames_before(listing: StoryListing, end: int) -> Iterator[StoredFrame]:
    reader = StoryReader(listing.path)
    for frame in reader.frames(listing.story, first=max(0, end - _SHOWN_AGAIN)):
        if frame.index >= end:
            break
        yield frame
    for problem in reader.damage:
        _log.warning("%s", problem)


def _story(plan: Resumption) -> HostedStory:
    opening = plan.opening
    request = OpenStory(
        request=0,
        story_id=opening.story_id,
        title=opening.title,
        global_caption=opening.global_caption,
        seed=opening.seed,
    )
    story = HostedStory(request, opening.owner, shots=plan.first_shot, frames=plan.first_frame)
    if plan.ending is Wish.DRAIN:
        story.ending = StoryEnd.DRAINED
    for entry in plan.over:
        story.remember(beat_script(entry.beat))
    for entry in plan.again:
        story.beats[entry.beat.id] = BeatRecord(beat_script(entry.beat), in_stream=True)
    for entry in plan.waiting:
        withdrawn = entry.beat.id in plan.withdrawn
        story.beats[entry.beat.id] = BeatRecord(beat_script(entry.beat), withdrawn=withdrawn)
    return story


def _refusal(error: JournalError) -> RequestRejected:
    return RequestRejected(ErrorCode.BUSY, str(error))
