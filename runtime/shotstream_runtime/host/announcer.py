# SPDX-License-Identifier: Apache-2.0
"""Tells the watchers of a story what its stream does: stream events become protocol messages and frames."""

from __future__ import annotations

import logging
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.frames import Frame
from shotstream_bridge.log_context import note_log_ids
from shotstream_bridge.messages import (
    BeatOutcome,
    BeatStage,
    BeatStatus,
    Notice,
    NoticeLevel,
    PublishedMessage,
    ServerState,
    ServerStateName,
    StoryClosed,
    StoryEnd,
)
from shotstream_bridge.service import KnownStory

from shotstream_runtime.streaming.events import (
    BeatDone,
    BeatScheduled,
    CaptionNoticed,
    ChunkFinished,
    ChunkStarted,
    FramesReady,
    ShotFinished,
    StreamEvent,
)

from .counters import HostCounters
from .hosted_story import HostedStory
from .memory_shortage import OUT_OF_MEMORY

_log = logging.getLogger(__name__)

_LONGEST_TEXT = 4_000  # of a notice in the protocol


class FrameOutlet(Protocol):
    """Where frames and news go: the bridge's server endpoint."""

    def publish_frame(self, frame: Frame) -> None:
        """Hands a frame to the watchers of its story. Thread-safe, never blocks."""

    def publish(self, message: PublishedMessage) -> None:
        """Hands news to those whom they concern. Thread-safe, never blocks."""

    def wants_frames(self, story_id: str) -> bool:
        """False while a lossless watcher of the story has as many frames waiting as it may."""
        ...

    def adopt(self, known: KnownStory) -> None:
        """Takes in a story of before, ahead of anything that is published of it. Thread-safe."""

    def archives(self, story_id: str) -> None:
        """Frames of a new story will be archived. Thread-safe."""

    def archived(self, story_id: str, frames: int) -> None:
        """So many frames of a story can be read. Thread-safe."""

    def forget_frames(self, story_id: str) -> None:
        """A story is suspended: its frames are in the journal. Thread-safe."""


class Announcer:
    """Publishes what happens, and keeps the stories' records in step with what was published."""

    def __init__(self, outlet: FrameOutlet, fps: float, counters: HostCounters) -> None:
        self._outlet = outlet
        self._counters = counters
        self._fps = fps

    def state(self, state: ServerStateName, detail: str | None = None, progress: float | None = None) -> None:
        """Announces the server's state; `progress` is that of the loading."""
        self._outlet.publish(ServerState(state=state, detail=detail, progress=progress))

    def pass_on(self, story: HostedStory, event: StreamEvent) -> None:
        """Announces one event of a story's stream; frames leave here."""
        match event:
            case FramesReady():
                self._frames(story, event)
            case BeatScheduled():
                record = story.beats[event.beat_id]
                record.shot, record.first_frame = event.shot, event.first_frame
                story.beat_id = event.beat_id
                self._counters.beat_wait_s.observe(time.monotonic() - record.accepted_at)
                note_log_ids(beat=event.beat_id, shot=event.shot)
                _log.info(
                    "beat %s begins in shot %d at frame %d", event.beat_id, event.shot, event.first_frame
                )
                self._stage(story, event.beat_id, BeatStage.SCHEDULED)
            case BeatDone(outcome="failed"):
                self.beat_done(
                    story,
                    event.beat_id,
                    BeatOutcome.FAILED,
                    event.frames,
                    code=ErrorCode.OUT_OF_MEMORY,
                    reason=OUT_OF_MEMORY,
                )
            case BeatDone():
                self.beat_done(story, event.beat_id, BeatOutcome(event.outcome), event.frames)
            case CaptionNoticed():
                self._outlet.publish(
                    Notice(
                        story_id=story.id,
                        beat_id=event.beat_id,
                        level=NoticeLevel.WARNING,
                        code=event.notice.code,
                        text=event.notice.text[:_LONGEST_TEXT],
                    )
                )
            case ChunkStarted():
                note_log_ids(beat=story.beat_id, shot=event.shot, chunk=event.chunk)
                _log.debug("chunk %d of shot %d begins", event.chunk, event.shot)
            case ChunkFinished():
                story.beats[event.beat_id].chunks += 1
                self._counters.chunks += 1
            case ShotFinished():
                _log.debug("story %s: shot %d ended with %d frames", story.id, event.shot, event.frames)

    def beat_done(
        self,
        story: HostedStory,
        beat_id: str,
        outcome: BeatOutcome,
        frames: int,
        *,
        code: ErrorCode | None = None,
        field: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Announces that a beat is done; once only, however often it is said."""
        record = story.finish_beat(beat_id)
        if record is None:
            return
        self._counters.beats_done[outcome.value] += 1
        _log.info(
            "beat %s is done (%s): %d frames%s",
            beat_id,
            outcome.value,
            frames,
            f"; {reason}" if reason else "",
            extra={"story": story.id, "client": story.owner, "beat": beat_id, "shot": record.shot},
        )
        self._outlet.publish(
            BeatStatus(
                story_id=story.id,
                beat_id=beat_id,
                stage=BeatStage.DONE,
                shot=record.shot,
                first_frame=record.first_frame,
                outcome=outcome,
                frames=frames,
                code=code,
                field=field,
                reason=reason,
                retryable=None if code is None else code.retryable,
            )
        )

    def story_closed(
        self, story: HostedStory, end: StoryEnd, reason: str | None, code: ErrorCode | None = None
    ) -> None:
        """Announces a story's end, after that of each of its beats which are not done yet.

        Those of a story that the next server goes on with are not done: they go on too.
        """
        goes_on = end is StoryEnd.SERVER_STOPPING and story.recorder is not None
        for beat_id, record in list(story.beats.items()):
            if goes_on or record.writing is not None:
                # One on its way to the disk is answered by what becomes of it there.
                del story.beats[beat_id]
                continue
            if end is StoryEnd.FAILED:
                outcome = BeatOutcome.FAILED
            elif record.stage is BeatStage.ACCEPTED:
                outcome = BeatOutcome.CANCELLED
            else:
                outcome = BeatOutcome.INTERRUPTED
            self.beat_done(story, beat_id, outcome, record.frames, code=code, reason=reason)
        self._counters.stories_closed[end.value] += 1
        self._outlet.publish(
            StoryClosed(story_id=story.id, end=end, shots=story.shots, frames=story.frames, reason=reason)
        )

    def _frame(
        self,
        story: HostedStory,
        pixels: NDArray[np.uint8],
        index: int,
        shot: int,
        index_in_shot: int,
        chunk: int,
        beat_id: str,
    ) -> None:
        if index < story.shown:
            return  # it comes again on the way to where the story was, and is in the journal
        self._outlet.publish_frame(
            Frame(
                story_id=story.id,
                shot=shot,
                index=index,
                index_in_shot=index_in_shot,
                chunk=chunk,
                pts_s=index / self._fps,
                beat_id=beat_id,
                seed=story.request.seed,
                pixels=pixels,
            )
        )

    def _frames(self, story: HostedStory, event: FramesReady) -> None:
        record = story.beats[event.beat_id]
        if record.stage is BeatStage.SCHEDULED:
            self._counters.first_frame_s.observe(time.monotonic() - record.accepted_at)
            self._stage(story, event.beat_id, BeatStage.FIRST_FRAME)
        for offset, pixels in enumerate(event.pixels):
            index, in_shot = event.first_index + offset, event.first_index_in_shot + offset
            self._frame(story, pixels, index, event.shot, in_shot, event.chunk, event.beat_id)
        record.frames += len(event.pixels)
        story.frames += len(event.pixels)
        story.shots = max(story.shots, event.shot + 1)
        story.chunk = event.chunk
        story.rate.add(len(event.pixels))
        self._counters.frames += len(event.pixels)

    def _stage(self, story: HostedStory, beat_id: str, stage: BeatStage) -> None:
        record = story.beats[beat_id]
        record.stage = stage
        self._outlet.publish(
            BeatStatus(
                story_id=story.id,
                beat_id=beat_id,
                stage=stage,
                shot=record.shot,
                first_frame=record.first_frame,
            )
        )
