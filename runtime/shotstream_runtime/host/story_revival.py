# SPDX-License-Identifier: Apache-2.0
"""Finds stories in the journal and brings them back: those that were open, suspended ones, ended ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.frames import Frame
from shotstream_bridge.messages import BeatOutcome, BeatStage, BeatStatus, OpenStory, StoryClosed, StoryEnd
from shotstream_bridge.service import EarlierFrames, KnownStory

from shotstream_runtime.journal.catalogue import StoryListing
from shotstream_runtime.journal.entries import Decided, Decision, Opening, StoryState, Wish
from shotstream_runtime.journal.errors import JournalError
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.journal.resumption import Resumption, plan_resumption
from shotstream_runtime.journal.story_folder import StoryFolder
from shotstream_runtime.journal.story_reader import StoredFrame, StoredStory
from shotstream_runtime.streaming.replay import StoryPast
from shotstream_runtime.weights.load import LoadedModel

from .hosted_story import BeatRecord, HostedStory
from .memory_shortage import OUT_OF_MEMORY
from .model_facts import ModelFacts
from .story_recorder import StoryRecorder
from .stream_beats import beat_script

_log = logging.getLogger(__name__)

_LONGEST_REASON = 1_000
_ENDS = {
    StoryState.DRAINED: StoryEnd.DRAINED,
    StoryState.STOPPED: StoryEnd.STOPPED,
    StoryState.FAILED: StoryEnd.FAILED,
}


@dataclass(frozen=True, slots=True)
class RevivedStory:
    """A story of the journal.

    Attributes:
        known: What is known of it.
        story: The story, to be gone on with; None if it has ended, or cannot go on.
        past: For its stream.
    """

    known: KnownStory
    story: HostedStory | None = None
    past: StoryPast | None = None


class StoryRevival:
    """Reads a journal for a host.

    Args:
        journal: The journal.
        model: The model that generates.
        facts: Of the model.
        engine: What executes it, as stories are marked with it.
    """

    def __init__(self, journal: Journal, model: LoadedModel, facts: ModelFacts, engine: str) -> None:
        self._journal = journal
        self._model = model
        self._facts = facts
        self._engine = engine

    def open_stories(self) -> Iterator[RevivedStory]:
        """The stories that were open when the server ended, the newest first, brought back one by one."""
        for gone in self._journal.enforce_retention():
            _log.info("story %d of the journal was deleted: it ended too long ago", gone)
        for listing in reversed(self._journal.open_stories()):
            revived = self._revive(listing)
            if revived is not None:
                yield revived

    def find(self, story_id: str) -> RevivedStory | None:
        """The newest story of a name; brought back if it has not ended. None if there is none.

        Takes its time.
        """
        listing = self._journal.find(story_id)
        return None if listing is None else self._revive(listing)

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        """Reads the frames of one chunk; see `StoryService.read_frames`."""
        try:
            stored, following, damage = self._journal.read_chunk(story_id, first)
        except JournalError as error:
            return EarlierFrames((), first, str(error))
        opening = self._journal.opening(story_id)
        frames = [_frame(frame, opening) for frame in stored]
        return EarlierFrames(frames, following, "; ".join(damage) or None)

    def _revive(self, listing: StoryListing) -> RevivedStory | None:
        opening = listing.story.opening
        if opening is None:
            _log.error("%s", listing.story.damage[0] if listing.story.damage else listing.path)
            return None
        if listing.story.state in _ENDS:
            return RevivedStory(self._known(opening, listing.story, _closed(opening, listing.story)))
        try:
            return self._go_on(listing, opening)
        except JournalError as error:
            _log.error("%s", error)
            closed = _closed(opening, listing.story, str(error))
            return RevivedStory(self._known(opening, listing.story, closed))

    def _go_on(self, listing: StoryListing, opening: Opening) -> RevivedStory:
        hash_now = self._model.profile.weights_hash
        if opening.weights_hash != hash_now:
            raise JournalError(
                listing.path,
                f"story {opening.story_id!r} was made by model {opening.model!r} with other weights "
                f"({opening.weights_hash[:12]}, now {hash_now[:12]}); serve that model to go on with it",
            )
        frames = self._model.student.config.max_context_frames
        plan = plan_resumption(StoryFolder(listing.path), listing.story, frames)
        if opening.engine != self._engine:
            _log.warning(
                "story %s was made by engine %r and goes on with %r: what is generated again may differ",
                opening.story_id,
                opening.engine,
                self._engine,
            )
        journal = self._journal.reopen(listing)
        if plan.ending is Wish.STOP:
            journal.end(StoryState.STOPPED)
            journal.release()
            closed = _closed(opening, listing.story, end=StoryEnd.STOPPED)
            return RevivedStory(self._known(opening, listing.story, closed))
        known = self._known(opening, listing.story, None)
        story = _story(plan, known)
        story.recorder = StoryRecorder(journal, opening.fps, listing.story, plan.past.first_chunk)
        return RevivedStory(known, story, plan.past)

    def _known(self, opening: Opening, stored: StoredStory, closed: StoryClosed | None) -> KnownStory:
        changes = {"width": opening.width, "height": opening.height, "fps": opening.fps}
        return KnownStory(
            opened=self._facts.story_opened(opening.story_id).model_copy(update=changes),
            owner=opening.owner,
            user=None if opening.user is None else opening.user.encode(),
            beats=_latest_stages(opening.story_id, stored),
            frames=stored.frames_in_a_row,
            closed=closed,
        )


def _closed(
    opening: Opening, stored: StoredStory, reason: str | None = None, *, end: StoryEnd = StoryEnd.FAILED
) -> StoryClosed:
    why = reason or stored.reason
    return StoryClosed(
        story_id=opening.story_id,
        end=_ENDS.get(stored.state, end),
        shots=len({chunk.shot for chunk in stored.chunks}),
        frames=stored.frames_in_a_row,
        reason=None if why is None else why[:_LONGEST_REASON],
    )


def _latest_stages(story_id: str, stored: StoredStory) -> Sequence[BeatStatus]:
    """The latest stage of each beat, in the order of acceptance."""
    begun = {d.beat_id: d for d in stored.decisions if d.kind is Decided.BEGUN}
    over = {d.beat_id: d for d in stored.decisions if d.kind in (Decided.ENDED, Decided.DROPPED)}
    frames = stored.frames_in_a_row
    stages = []
    for entry in stored.beats:
        start, end = begun.get(entry.beat.id), over.get(entry.beat.id)
        stage = BeatStage.ACCEPTED
        if end is not None:
            stage = BeatStage.DONE
        elif start is not None:
            shown = start.first_frame is not None and start.first_frame < frames
            stage = BeatStage.FIRST_FRAME if shown else BeatStage.SCHEDULED
        stages.append(
            BeatStatus(
                story_id=story_id,
                beat_id=entry.beat.id,
                stage=stage,
                shot=None if start is None else start.shot,
                first_frame=None if start is None else start.first_frame,
                outcome=None if end is None or end.outcome is None else BeatOutcome(end.outcome),
                frames=None if end is None else end.frames or 0,
                **_failure(end),
            )
        )
    return stages


def _failure(end: Decision | None) -> dict[str, Any]:
    """Why a beat failed: for want of memory, as the journal knows no other reason that stories survive."""
    if end is None or end.outcome != BeatOutcome.FAILED:
        return {}
    return {"code": ErrorCode.OUT_OF_MEMORY.value, "reason": OUT_OF_MEMORY, "retryable": True}


def _frame(stored: StoredFrame, opening: Opening) -> Frame:
    return Frame(
        story_id=opening.story_id,
        shot=stored.shot,
        index=stored.index,
        index_in_shot=stored.index_in_shot,
        chunk=stored.chunk,
        pts_s=stored.index / opening.fps,
        beat_id=stored.beat_id,
        seed=opening.seed,
        pixels=stored.pixels,
    )


def _story(plan: Resumption, known: KnownStory) -> HostedStory:
    opening = plan.opening
    request = OpenStory(
        request=0,
        story_id=opening.story_id,
        title=opening.title,
        global_caption=opening.global_caption,
        seed=opening.seed,
    )
    story = HostedStory(request, opening.owner, shots=plan.first_shot, frames=plan.first_frame)
    story.shown = known.frames
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
