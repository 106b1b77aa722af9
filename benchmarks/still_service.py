# SPDX-License-Identifier: Apache-2.0
"""The smallest host behind a ServerEndpoint: for benchmarks that publish frames themselves."""

from __future__ import annotations

import threading

from shotstream_bridge import ServerInfo, ServerStateName, ServiceStatus, StoryOpened
from shotstream_bridge.requests import CancelBeat, CloseStory, OpenStory, SubmitBeat
from shotstream_bridge.service import WithoutArchive


class StillService(WithoutArchive):
    """The smallest host: one story, whose frames the benchmark publishes once a beat arrives."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.started = threading.Event()

    def server_info(self) -> ServerInfo:
        return ServerInfo(
            product="benchmark/1",
            model="still",
            width=self.width,
            height=self.height,
            fps=16.0,
            frames_per_chunk=12,
            frames_in_first_chunk=9,
            chunks_per_shot=7,
            state=ServerStateName.READY,
        )

    def open_story(self, client_id: str, request: OpenStory, user: bytes | None = None) -> StoryOpened:
        return StoryOpened(
            request=request.request,
            story_id=request.story_id,
            width=self.width,
            height=self.height,
            fps=16.0,
            chunks_per_shot=7,
        )

    def submit_beat(self, client_id: str, request: SubmitBeat) -> None:
        self.started.set()

    def cancel_beat(self, client_id: str, request: CancelBeat) -> None: ...

    def close_story(self, client_id: str, request: CloseStory) -> None: ...

    def status(self) -> ServiceStatus:
        return ServiceStatus(state=ServerStateName.READY, uptime_s=0.0)

    def client_gone(self, client_id: str) -> None: ...
