# SPDX-License-Identifier: Apache-2.0
"""Writes what a story's stream does into its journal, before anybody else hears of it."""

from __future__ import annotations

from shotstream_runtime.journal.chunk_movie import Pixels
from shotstream_runtime.journal.entries import Decided, Decision, promised_chunks
from shotstream_runtime.journal.story_journal import StoryJournal
from shotstream_runtime.journal.story_reader import StoredStory
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


class StoryRecorder:
    """Follows one stream. What is in the journal already, since it comes again, is not written twice.

    Args:
        journal: Of the story.
        fps: Frames per second, for players of its movies.
        stored: What the journal has of it, for a story that goes on.
        first_chunk: The chunk that the stream begins with.
    """

    def __init__(
        self, journal: StoryJournal, fps: float, stored: StoredStory | None = None, first_chunk: int = 0
    ) -> None:
        self.journal = journal
        self._fps = fps
        self._chunk = first_chunk
        self._beat_id = ""
        self._frames: list[FramesReady] = []
        decisions = stored.decisions if stored is not None else []
        self._known = {(d.kind, d.beat_id) for d in decisions if d.kind is not Decided.GOES_ON}
        self._promised = promised_chunks(decisions)
        self._stored_chunks = {entry.number for entry in stored.chunks} if stored is not None else set()
        self._stored_shots = {entry.shot for entry in stored.shots} if stored is not None else set()

    def hear(self, event: StreamEvent) -> None:
        """Writes an event down; frames may be shown to others once this returns.

        Raises:
            JournalError: The journal can no longer be written.
        """
        match event:
            case FramesReady():
                # The decisions that led to these frames are on disk first, so that after a crash the very
                # same frames come again. They were handed over before the chunk was generated.
                self.journal.decided()
                self._frames.append(event)
            case BeatScheduled():
                self._beat_id = event.beat_id
                self._decide(Decided.BEGUN, event.beat_id, shot=event.shot, first_frame=event.first_frame)
            case ChunkStarted():
                if self._chunk >= self._promised:
                    self.journal.decide(Decision(Decided.GOES_ON, self._beat_id, self._chunk, event.shot))
            case ChunkFinished():
                self._file(event)
            case BeatDone():
                kind = Decided.DROPPED if event.shot is None else Decided.ENDED
                self._decide(kind, event.beat_id, shot=event.shot, outcome=event.outcome, frames=event.frames)
            case ShotFinished():
                # Without history the story ends with it, and may be opened again in its middle.
                if event.history and event.shot not in self._stored_shots:
                    self.journal.add_shot(event.shot, event.frames, event.history)
            case CaptionNoticed():
                pass

    def _decide(
        self,
        kind: Decided,
        beat_id: str,
        *,
        shot: int | None,
        first_frame: int | None = None,
        outcome: str | None = None,
        frames: int | None = None,
    ) -> None:
        if (kind, beat_id) not in self._known:
            self.journal.decide(Decision(kind, beat_id, self._chunk, shot, first_frame, outcome, frames))

    def _file(self, event: ChunkFinished) -> None:
        frames, self._frames = self._frames, []
        number = self._chunk
        self._chunk += 1
        if number in self._stored_chunks:
            return
        pixels: list[Pixels] = [batch.pixels for batch in frames]
        self.journal.add_chunk(
            number=number,
            shot=event.shot,
            chunk=event.chunk,
            beat_id=event.beat_id,
            first_frame=frames[0].first_index,
            first_in_shot=frames[0].first_index_in_shot,
            pixels=pixels,
            latents=event.latents,
            fps=self._fps,
        )
