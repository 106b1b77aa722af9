# SPDX-License-Identifier: Apache-2.0
"""Playing a written story on a running server, as any client does it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from shotstream_bridge.client import Client
from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.events import (
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    FrameDamaged,
    FramesMissed,
)
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.handles import StoryHandle
from shotstream_bridge.messages import (
    BeatOutcome,
    BeatStage,
    BeatStatus,
    Error,
    Notice,
    ServerState,
    ServerStateName,
    StoryClosed,
    StoryEnd,
    WatchMode,
)
from shotstream_bridge.story import BeatScript, StoryScript

from shotstream_runtime.host.observers import StoryObserver
from shotstream_runtime.host.script_pacing import Cue, ScriptPacing

_PUMP_S = 0.25  # Ctrl-C is noticed between two pumps
# Frames in flight: a chunk and a half keeps the server busy while this side encodes a movie.
_CREDITS = 24
# A beat that is refused so came after the story's end, which is told next: with the frames before it.
_ENDED = frozenset({ErrorCode.STOPPING, ErrorCode.STORY_CLOSED, ErrorCode.UNKNOWN_STORY})
_END_S = 10.0


@dataclass(frozen=True)
class PlayResult:
    """How a story went.

    Attributes:
        complete: Whether every beat ran to its end, and no frame was missed on the way.
        beats_over: Beats that ended as the story has it.
        beats: Beats of the story.
        problem: What went wrong; None if nothing did.
    """

    complete: bool
    beats_over: int
    beats: int
    problem: str | None = None


class Playback:
    """Plays one story over one client."""

    def __init__(
        self, client: Client, story: StoryScript, *, seed: int, live: bool, observer: StoryObserver
    ) -> None:
        """Opens the story and watches it.

        Args:
            client: A connected client.
            story: The story; its beats go out as `ScriptPacing` says.
            seed: Seed to use.
            live: Only the newest frame at any time, rather than every frame.
            observer: Hears of beats and frames as they arrive.

        Raises:
            RequestFailedError: The server refuses the story.
            NotConnectedError: The server went away.
        """
        self._client = client
        self._observer = observer
        self._pacing = ScriptPacing(story.beats)
        self._problem: str | None = None
        self._end: StoryEnd | None = None
        # Beats that are due while the server stops, and those that ended then: perhaps only for that.
        self._stopping = False
        self._withheld: list[BeatScript] = []
        self._stopped_beats: set[str] = set()
        self._give_up_at: float | None = None
        self._gaps = False
        self._over_beats: set[str] = set()
        self._failed: set[str] = set()
        self._handle: StoryHandle = client.open_story(
            global_caption=story.global_caption, seed=seed, title=story.title
        )
        mode = WatchMode.LATEST if live else WatchMode.EVERY
        credits = min(_CREDITS, client.limits.credits)
        self._handle.subscribe(mode, credits=1 if live else credits)

    def run(self) -> PlayResult:
        """Plays to the end.

        Raises:
            KeyboardInterrupt: Passed on; `abandon` then ends the story.
        """
        self._send(self._pacing.start())
        over = False
        while not over:
            # All that has come is heard, whatever one of them says: news overtake frames.
            for event in self._client.pump(_PUMP_S):
                self._hear(event)
            over = self._over()
        return PlayResult(
            complete=self._end is StoryEnd.DRAINED and not self._failed and not self._gaps,
            beats_over=len(self._over_beats),
            beats=len(self._pacing.beats),
            problem=self._problem,
        )

    def _over(self) -> bool:
        if self._end is not None or self._client.closed:
            return True
        if self._give_up_at is not None:
            return time.monotonic() >= self._give_up_at
        return self._problem is not None

    def abandon(self) -> None:
        """Ends the story at the next chunk boundary, without waiting for it."""
        if not self._client.closed:
            self._handle.close(drain=False, wait=0)

    def _send(self, beats: Sequence[BeatScript]) -> None:
        if self._client.closed:
            return
        if self._stopping:
            self._withheld += beats
            return
        for beat in beats:
            self._observer.beat_submitted(str(beat.id), beat.text, beat.mode, str(beat.policy))
            self._handle.submit_beat(beat, wait=0)
        if beats and self._pacing.ended:
            self._handle.close(drain=True, wait=0)

    def _hear(self, event: ClientEvent) -> None:
        match event:
            case ReceivedFrame(header=header):
                self._observer.add_frame(
                    event.rgb(),
                    index=header.index,
                    shot=header.shot,
                    index_in_shot=header.index_in_shot,
                    chunk=header.chunk,
                    beat_id=header.beat_id,
                )
            case BeatStatus():
                self._hear_beat(event)
            case Notice():
                self._observer.notice(event.code, event.text, event.beat_id)
            case ServerState(state=ServerStateName.STOPPING):
                self._stopping = True
            case StoryClosed():
                self._end = event.end
                if event.end is StoryEnd.SERVER_STOPPING:
                    self._problem = "the server was stopped"
                elif event.end is not StoryEnd.DRAINED:
                    self._problem = event.reason or f"the server ended the story ({event.end.value})"
            case FrameDamaged():
                self._problem = f"a frame arrived damaged: {event.reason}"
            case Error():
                self._refused(event.code, f"the server refused a request: {event.reason}")
            case _:
                self._hear_connection(event)

    def _hear_connection(self, event: ClientEvent) -> None:
        match event:
            case ConnectionInterrupted():
                what = "trying to restore it; Ctrl-C ends and keeps what came"
                text = f"the connection is interrupted ({event.reason}); {what}"
                self._observer.notice("connection_interrupted", text)
            case ConnectionResumed():
                self._observer.notice("connection_resumed", "the connection is restored")
                self._go_on()
            case FramesMissed():
                self._gaps = True
                last = event.first + event.count - 1
                self._observer.notice(
                    "frames_missed", f"frames {event.first} to {last} were lost with the connection"
                )
            case ConnectionLost() if self._end is None:
                how = "said goodbye" if event.by_server else "is gone"
                self._problem = f"the server {how} ({event.reason})"
            case _:
                pass

    def _hear_beat(self, status: BeatStatus) -> None:
        match status.stage:
            case BeatStage.SCHEDULED if status.shot is not None and status.first_frame is not None:
                self._observer.beat_scheduled(status.beat_id, status.shot, status.first_frame)
            case BeatStage.FIRST_FRAME:
                self._send(self._pacing.on(status.beat_id, Cue.FIRST_FRAME))
            case BeatStage.DONE if status.outcome is not None:
                if status.outcome in (BeatOutcome.FAILED, BeatOutcome.CANCELLED):
                    self._failed.add(status.beat_id)
                else:
                    (self._stopped_beats if self._stopping else self._over_beats).add(status.beat_id)
                self._observer.beat_done(status.beat_id, status.outcome, status.frames or 0, status.reason)
                self._send(self._pacing.on(status.beat_id, Cue.DONE))
            case BeatStage.REJECTED:
                self._observer.beat_done(status.beat_id, BeatStage.REJECTED, 0, status.reason)
                self._refused(status.code, f"the server refused beat {status.beat_id!r}: {status.reason}")
            case _:
                pass

    def _go_on(self) -> None:
        """The server that stopped is back, and its stories with it: what ended meanwhile was over."""
        self._stopping = False
        self._over_beats |= self._stopped_beats
        withheld, self._withheld = self._withheld, []
        self._send(withheld)

    def _refused(self, code: str | None, problem: str) -> None:
        if code in _ENDED and self._end is not None:
            return  # Why the story is over has been told already; the refusal was only slower.
        self._problem = problem
        if code in _ENDED:
            self._give_up_at = time.monotonic() + _END_S
