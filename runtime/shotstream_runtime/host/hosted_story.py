# SPDX-License-Identifier: Apache-2.0
"""What the host knows about one open story. Plain bookkeeping: the host's lock guards it."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import BeatStage, OpenStory, StoryEnd, StoryOpened
from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript

from shotstream_runtime.streaming.footprint import Footprint
from shotstream_runtime.streaming.story import StoryStream

from .frame_rate import FrameRate
from .story_recorder import StoryRecorder

# Finished beats remembered, so that one sent again has no second effect.
_REMEMBERED_BEATS = 10_000
_DROPPING = (BeatPolicy.REPLACE, BeatPolicy.INTERRUPT)


class Need(Enum):
    """What a story needs next of the generating thread."""

    NOTHING = "nothing"
    A_CHUNK = "a chunk"
    AN_END = "an end"


@dataclass(slots=True)
class BeatRecord:
    """One beat from acceptance to its end.

    Attributes:
        script: What the client sent.
        stage: ``accepted``, ``scheduled`` or ``first_frame``.
        writing: The promise that it is on disk; None once it is, or without a journal.
        in_stream: Whether the story's stream has it; before that its caption is still to be prepared.
        withdrawn: Whether it was cancelled before the stream had it.
        shot: From ``scheduled`` on: the shot's index.
        first_frame: From ``scheduled`` on: index of its first frame in the story.
        frames: Frames published so far.
        accepted_at: When it was accepted, monotonic seconds.
        chunks: Chunks generated so far.
    """

    script: BeatScript
    stage: BeatStage = BeatStage.ACCEPTED
    writing: Future[None] | None = None
    in_stream: bool = False
    withdrawn: bool = False
    shot: int | None = None
    first_frame: int | None = None
    frames: int = 0
    accepted_at: float = field(default_factory=time.monotonic)
    chunks: int = 0

    def queued_chunks(self, chunks_per_shot: int) -> int:
        """Chunks that it still asks for; `chunks_per_shot` in all if it does not say."""
        return max(0, (self.script.chunks or chunks_per_shot) - self.chunks)


@dataclass(slots=True, eq=False)
class HostedStory:
    """One open story.

    Attributes:
        request: How it was opened.
        owner: The client that opened it, and that alone may change it.
        stream: What generates it; None until it is prepared.
        ending: Why it ends, once that is decided; no beat is accepted any more.
        failure: What broke its stream or a caption.
        opening: The promise that its opening is on disk, where there is a journal.
        suspending: Whether it is laid aside at the next chunk boundary, since nobody is there for it.
        shown: Of a story that goes on: frames that were published before, and are in the journal.
        recorder: What writes it into the journal, where there is one.
        beats: Beats that are not done, by id, in the order of arrival.
        beat_id: The beat that took effect last.
        shots: Shots that have frames.
        chunk: The newest chunk in the newest shot that has frames.
        rate: How fast frames come.
        frames: Frames published.
        held: Memory that its stream holds.
    """

    request: OpenStory
    owner: str
    stream: StoryStream | None = None
    ending: StoryEnd | None = None
    failure: Exception | None = None
    opening: Future[StoryOpened] | None = None
    suspending: bool = False
    shown: int = 0
    recorder: StoryRecorder | None = None
    beats: dict[str, BeatRecord] = field(default_factory=dict)
    beat_id: str | None = None
    shots: int = 0
    chunk: int | None = None
    frames: int = 0
    rate: FrameRate = field(default_factory=FrameRate)
    held: Footprint = field(default_factory=Footprint)
    _finished: OrderedDict[str, int] = field(default_factory=OrderedDict)

    @property
    def id(self) -> str:
        """The story's identifier."""
        return self.request.story_id

    @property
    def stopping(self) -> bool:
        """Whether it ends at the next chunk boundary, rather than after what is queued."""
        return self.ending not in (None, StoryEnd.DRAINED)

    @property
    def being_written(self) -> bool:
        """Whether a client is yet to be told that something of it is on disk."""
        return any(record.writing is not None for record in self.beats.values())

    @property
    def finished(self) -> bool:
        """Whether the stream has nothing left to do, and nothing more will reach it."""
        if self.stream is None or not self.stream.idle:
            return False
        return self.stopping or all(record.in_stream for record in self.beats.values())

    @property
    def need(self) -> Need:
        """What it needs next."""
        if self.failure is not None or self.suspending:
            return Need.AN_END
        if self.stream is None:
            return Need.NOTHING
        if self.stopping or (self.ending is not None and self.finished):
            return Need.AN_END
        return Need.NOTHING if self.stream.idle else Need.A_CHUNK

    def queued_chunks(self, chunks_per_shot: int) -> int:
        """Chunks that its beats still ask for; `chunks_per_shot` of one that does not say."""
        return sum(record.queued_chunks(chunks_per_shot) for record in self.beats.values())

    def dropped_by(self, record: BeatRecord) -> list[BeatRecord]:
        """Beats that wait and that a beat, which is in the story already, is about to drop."""
        if record.script.policy not in _DROPPING:
            return []
        waiting = (other for other in self.beats.values() if other.stage is BeatStage.ACCEPTED)
        return [other for other in waiting if other is not record]

    def same_opening(self, request: OpenStory) -> bool:
        """Whether a request would open this very story (its number does not matter)."""
        return request.model_copy(update={"request": self.request.request}) == self.request

    def admit(self, script: BeatScript, most_waiting: int) -> BeatRecord | None:
        """Takes a beat in.

        Returns:
            Its record, or None if the very same beat was taken in before.

        Raises:
            RequestRejected: The story ends, the id is taken, there is no shot to continue, or too many
                beats wait.
        """
        beat_id = script.id
        assert beat_id is not None  # noqa: S101 - messages.SubmitBeat sees to it
        known = self.beats.get(beat_id)
        known_hash = hash(known.script) if known is not None else self._finished.get(beat_id)
        if known_hash is not None:
            if known_hash == hash(script):
                return None
            raise RequestRejected(
                ErrorCode.BEAT_EXISTS,
                f"beat {beat_id!r} was sent before with other content; give a changed beat an id of its own",
                field="beat.id",
            )
        if self.ending is not None:
            raise RequestRejected(
                ErrorCode.STORY_CLOSED, f"story {self.id!r} is closing; open a new one", field="story_id"
            )
        if script.mode is BeatMode.CONTINUE and not self._can_continue(script.policy):
            raise RequestRejected(
                ErrorCode.NO_SHOT_TO_CONTINUE,
                "there is no shot to continue; send a beat with mode 'cut' first",
                field="beat.mode",
            )
        waiting = sum(record.stage is BeatStage.ACCEPTED for record in self.beats.values())
        if waiting >= most_waiting and script.policy not in _DROPPING:
            raise RequestRejected(
                ErrorCode.QUEUE_FULL,
                f"{waiting} beats wait in story {self.id!r}; beats_waiting is {most_waiting}; "
                "wait for one to be scheduled",
                field="beat",
            )
        record = self.beats[beat_id] = BeatRecord(script)
        return record

    def finish_beat(self, beat_id: str) -> BeatRecord | None:
        """Takes a beat out that is done, and remembers that there was one."""
        record = self.beats.pop(beat_id, None)
        if record is not None:
            self.remember(record.script)
        return record

    def remember(self, script: BeatScript) -> None:
        """Remembers a beat that is done."""
        self._finished[str(script.id)] = hash(script)
        while len(self._finished) > _REMEMBERED_BEATS:
            self._finished.popitem(last=False)

    def was_finished(self, beat_id: str) -> bool:
        """Whether a beat of this id is done (as far back as is remembered)."""
        return beat_id in self._finished

    def _can_continue(self, policy: BeatPolicy | None) -> bool:
        if self.shots or any(record.stage is not BeatStage.ACCEPTED for record in self.beats.values()):
            return True
        # A waiting cut will do as the shot to continue, unless this beat is about to drop it.
        return policy not in _DROPPING and any(
            record.script.mode is BeatMode.CUT and not record.withdrawn for record in self.beats.values()
        )
