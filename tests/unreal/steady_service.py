# SPDX-License-Identifier: Apache-2.0
"""A host that publishes raw frames at a steady rate, for clients that must keep up with it."""

from __future__ import annotations

import time

import numpy as np
from shotstream_bridge import (
    Frame,
    ServerEndpoint,
    ServerInfo,
    ServerStateName,
    ServiceStatus,
    StoryClosed,
    StoryEnd,
    StoryOpened,
)
from shotstream_bridge.requests import CancelBeat, CloseStory, OpenStory, SubmitBeat
from shotstream_bridge.service import WithoutArchive

PICTURES = 8


class SteadyService(WithoutArchive):
    """One story of frames of a size."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        generator = np.random.default_rng(7)
        self.pictures = generator.integers(0, 256, (PICTURES, height, width, 3), np.uint8)

    def server_info(self) -> ServerInfo:
        return ServerInfo(
            product="steady/1",
            model="steady",
            width=self.width,
            height=self.height,
            fps=60.0,
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
            fps=60.0,
            chunks_per_shot=7,
        )

    def submit_beat(self, client_id: str, request: SubmitBeat) -> None: ...

    def cancel_beat(self, client_id: str, request: CancelBeat) -> None: ...

    def close_story(self, client_id: str, request: CloseStory) -> None: ...

    def status(self) -> ServiceStatus:
        return ServiceStatus(state=ServerStateName.READY, uptime_s=0.0)

    def client_gone(self, client_id: str) -> None: ...

    def publish(self, endpoint: ServerEndpoint, story_id: str, frames: int, fps: float) -> float:
        """Publishes frames at a rate, then the story's end; returns the rate that was reached.

        It waits where the endpoint asks for it, which an `every` watcher that keeps up never causes.
        """
        began = time.monotonic()
        for index in range(frames):
            time.sleep(max(0.0, began + index / fps - time.monotonic()))
            assert endpoint.wait_wants_frames(story_id, 20)
            picture = self.pictures[index % PICTURES]
            endpoint.publish_frame(
                Frame(story_id, 0, index, index, index // 12, index / fps, "b", 7, picture)
            )
        rate = frames / (time.monotonic() - began)
        endpoint.publish(StoryClosed(story_id=story_id, end=StoryEnd.DRAINED, shots=1, frames=frames))
        return rate
