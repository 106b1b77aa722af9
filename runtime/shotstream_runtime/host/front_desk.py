# SPDX-License-Identifier: Apache-2.0
"""Who answers clients: the host once its model is loaded, and until then somebody who asks them to wait."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace
from typing import NoReturn

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import (
    CancelBeat,
    CloseStory,
    OpenStory,
    ServerInfo,
    ServerStateName,
    StoryLimits,
    StoryOpened,
    SubmitBeat,
)
from shotstream_bridge.service import EarlierFrames, ServiceStatus, StoryService

from .model_facts import ModelFacts


class FrontDesk:
    """Implements `shotstream_bridge.service.StoryService` from the first moment on.

    As long as there is no host, handshakes succeed and say `loading`, and every request is refused as
    `not_ready`, which clients may try again.

    Attributes:
        detail: What is being done until the host is there, for people.
        journal_expected: Whether the host will have a journal.
    """

    def __init__(self, facts: ModelFacts, limits: StoryLimits) -> None:
        self._facts = facts
        self._limits = limits
        self._host: StoryService | None = None
        self._opened_at = time.monotonic()
        self.detail = "starting"
        self.journal_expected = False

    def hand_over(self, host: StoryService) -> None:
        """From now on the host answers. Callable from any thread, once."""
        self._host = host

    def server_info(self) -> ServerInfo:
        """Describes the service; see `StoryService.server_info`."""
        if self._host is not None:
            return self._host.server_info()
        return self._facts.server_info(ServerStateName.LOADING, self.detail, self._limits)

    def status(self) -> ServiceStatus:
        """See `StoryService.status`."""
        uptime = time.monotonic() - self._opened_at
        if self._host is not None:
            return replace(self._host.status(), uptime_s=uptime)
        return ServiceStatus(state=ServerStateName.LOADING, uptime_s=uptime, detail=self.detail)

    def open_story(
        self, client_id: str, request: OpenStory, user: bytes | None
    ) -> StoryOpened | Future[StoryOpened]:
        """See `StoryService.open_story`."""
        return (self._host or self._refuse()).open_story(client_id, request, user)

    def submit_beat(self, client_id: str, request: SubmitBeat) -> Future[None] | None:
        """See `StoryService.submit_beat`."""
        return (self._host or self._refuse()).submit_beat(client_id, request)

    def cancel_beat(self, client_id: str, request: CancelBeat) -> Future[None] | None:
        """See `StoryService.cancel_beat`."""
        return (self._host or self._refuse()).cancel_beat(client_id, request)

    def close_story(self, client_id: str, request: CloseStory) -> Future[None] | None:
        """See `StoryService.close_story`."""
        return (self._host or self._refuse()).close_story(client_id, request)

    def client_gone(self, client_id: str) -> None:
        """See `StoryService.client_gone`."""
        if self._host is not None:
            self._host.client_gone(client_id)

    def find_story(self, story_id: str) -> Future[None] | None:
        """See `StoryService.find_story`: which stories there are is not known before the host is there."""
        return (self._host or self._refuse()).find_story(story_id)

    def keeps_stories(self) -> bool:
        """See `StoryService.keeps_stories`."""
        return self.journal_expected if self._host is None else self._host.keeps_stories()

    def suspend_story(self, story_id: str) -> bool:
        """See `StoryService.suspend_story`."""
        return self._host is not None and self._host.suspend_story(story_id)

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        """See `StoryService.read_frames`."""
        return (self._host or self._refuse()).read_frames(story_id, first)

    def _refuse(self) -> NoReturn:
        raise RequestRejected(
            ErrorCode.NOT_READY,
            f"the server is still loading ({self.detail}); try again when it says that it is ready",
        )
