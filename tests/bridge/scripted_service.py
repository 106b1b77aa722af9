# SPDX-License-Identifier: Apache-2.0
"""A host for tests: it does what the test says, and shows what it was asked."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from typing import Self

import numpy as np
from shotstream_bridge import (
    BeatOutcome,
    BeatStage,
    BeatStatus,
    CancelBeat,
    CloseStory,
    EndpointLimits,
    ErrorCode,
    Frame,
    OpenStory,
    Quotas,
    RequestRejected,
    ServerEndpoint,
    ServerInfo,
    ServerSecurity,
    ServerStateName,
    ServiceStatus,
    StoryActivity,
    StoryClosed,
    StoryEnd,
    StoryOpened,
    StoryReport,
    SubmitBeat,
)
from shotstream_bridge.service import WithoutArchive

WIDTH, HEIGHT = 16, 8
PATIENCE_S = 10.0
"""How long a test waits for what must happen; reached only when it fails."""


def picture(index: int) -> np.ndarray:
    """The pixels of a story's frame ``index``: uint8 ``[8, 16, 3]``, different for each index."""
    base = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint32)
    return ((base * 7 + index * 31) % 256).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)


def frame(story_id: str, index: int, beat_id: str = "b") -> Frame:
    """A story's frame ``index``."""
    return Frame(story_id, 0, index, index, index // 12, index / 16, beat_id, 7, picture(index))


class ScriptedService(WithoutArchive):
    """Implements StoryService and owns the endpoint that serves it.

    With ``autoplay`` a thread plays each beat: 12 frames for each chunk, waiting while the endpoint wants
    none. Without, the test publishes.
    """

    def __init__(
        self,
        *,
        autoplay: bool = False,
        limits: EndpointLimits | None = None,
        quotas: Quotas | None = None,
        security: ServerSecurity | None = None,
        state: ServerStateName = ServerStateName.READY,
    ) -> None:
        self.state = state
        self.calls: queue.Queue[tuple[str, str, object]] = queue.Queue()
        self.gone: queue.Queue[str] = queue.Queue()
        self.stories: set[str] = set()
        self.owners: dict[str, str] = {}
        self.beats: set[tuple[str, str]] = set()
        self.break_next: Exception | None = None
        self.frames_made: defaultdict[str, int] = defaultdict(int)
        self._work: queue.Queue[tuple[str, str, int] | None] = queue.Queue()
        self._player = threading.Thread(target=self._play, daemon=True) if autoplay else None
        self.endpoint = ServerEndpoint(
            self, "tcp://127.0.0.1:0", limits=limits, quotas=quotas, security=security
        )

    def __enter__(self) -> Self:
        self.endpoint.start()
        if self._player:
            self._player.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._work.put(None)
        self.endpoint.stop()
        if self._player:
            self._player.join(PATIENCE_S)
            assert not self._player.is_alive()

    # --- StoryService -------------------------------------------------------------------------------

    def server_info(self) -> ServerInfo:
        self._maybe_break()
        return ServerInfo(
            product="scripted/1",
            model="scripted",
            width=WIDTH,
            height=HEIGHT,
            fps=16.0,
            frames_per_chunk=12,
            frames_in_first_chunk=9,
            chunks_per_shot=7,
            state=self.state,
        )

    def status(self) -> ServiceStatus:
        self._maybe_break()
        stories = tuple(
            StoryReport(
                story_id=story_id,
                client_id=self.owners[story_id],
                activity=StoryActivity.RUNNING,
                frames=self.frames_made[story_id],
            )
            for story_id in sorted(self.stories)
        )
        return ServiceStatus(state=self.state, uptime_s=1.0, stories=stories)

    def open_story(self, client_id: str, request: OpenStory, user: bytes | None = None) -> StoryOpened:
        self._note("open_story", client_id, request)
        self.stories.add(request.story_id)
        self.owners[request.story_id] = client_id
        return StoryOpened(
            request=request.request,
            story_id=request.story_id,
            width=WIDTH,
            height=HEIGHT,
            fps=16.0,
            chunks_per_shot=7,
        )

    def submit_beat(self, client_id: str, request: SubmitBeat) -> None:
        self._note("submit_beat", client_id, request)
        if request.story_id not in self.stories:
            raise RequestRejected(ErrorCode.UNKNOWN_STORY, "no such story", field="story_id")
        if (request.story_id, request.beat_id) in self.beats:
            return
        self.beats.add((request.story_id, request.beat_id))
        self._work.put((request.story_id, request.beat_id, request.beat.chunks or 1))

    def cancel_beat(self, client_id: str, request: CancelBeat) -> None:
        self._note("cancel_beat", client_id, request)

    def close_story(self, client_id: str, request: CloseStory) -> None:
        self._note("close_story", client_id, request)
        self._work.put((request.story_id, "", 0))

    def client_gone(self, client_id: str) -> None:
        self.gone.put(client_id)
        self._maybe_break()

    def _note(self, name: str, client_id: str, request: object) -> None:
        self.calls.put((name, client_id, request))
        self._maybe_break()

    def _maybe_break(self) -> None:
        broken, self.break_next = self.break_next, None
        if broken is not None:
            raise broken

    # --- playing ------------------------------------------------------------------------------------

    def publish_frames(self, story_id: str, count: int, beat_id: str = "b") -> None:
        """Publishes the story's next ``count`` frames without asking whether they are wanted."""
        for _ in range(count):
            self.endpoint.publish_frame(frame(story_id, self.frames_made[story_id], beat_id))
            self.frames_made[story_id] += 1

    def close(self, story_id: str) -> None:
        """Publishes the end of a story."""
        self.endpoint.publish(
            StoryClosed(story_id=story_id, end=StoryEnd.DRAINED, shots=1, frames=self.frames_made[story_id])
        )

    def _play(self) -> None:
        while (work := self._work.get()) is not None:
            story_id, beat_id, chunks = work
            if not chunks:
                self.close(story_id)
                continue
            first = self.frames_made[story_id]
            self._stage(story_id, beat_id, BeatStage.SCHEDULED, first)
            for chunk in range(chunks):
                self.endpoint.wait_wants_frames(story_id, PATIENCE_S)
                if chunk == 0:
                    self._stage(story_id, beat_id, BeatStage.FIRST_FRAME, first)
                self.publish_frames(story_id, 12, beat_id)
            self.endpoint.publish(
                BeatStatus(
                    story_id=story_id,
                    beat_id=beat_id,
                    stage=BeatStage.DONE,
                    shot=0,
                    first_frame=first,
                    outcome=BeatOutcome.COMPLETED,
                    frames=12 * chunks,
                )
            )

    def _stage(self, story_id: str, beat_id: str, stage: BeatStage, first: int) -> None:
        self.endpoint.publish(
            BeatStatus(story_id=story_id, beat_id=beat_id, stage=stage, shot=0, first_frame=first)
        )
