# SPDX-License-Identifier: Apache-2.0
"""The answer to ``get_status``: what host and endpoint know, as far as the client may see it."""

from __future__ import annotations

from typing import Final

from shotstream_bridge.allow_list import AllowList
from shotstream_bridge.fields import StoryReport
from shotstream_bridge.replies import Status
from shotstream_bridge.requests import GetStatus
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.sessions import Sessions
from shotstream_bridge.story_ledger import StoryLedger
from shotstream_bridge.watchers import Watchers

MOST_STORIES: Final = 128
"""Stories in one answer, so that it stays below the largest header."""


class StatusDesk:
    """Answers. Belongs to the endpoint's thread.

    Args:
        service: The host.
        sessions: The connected clients.
        ledger: The stories and whose they are.
        watchers: All subscriptions.
        allowed: The clients that are let in; None for everyone.
    """

    def __init__(
        self,
        service: StoryService,
        sessions: Sessions,
        ledger: StoryLedger,
        watchers: Watchers,
        allowed: AllowList | None,
    ) -> None:
        self._service = service
        self._sessions = sessions
        self._ledger = ledger
        self._watchers = watchers
        self._allowed = allowed

    def answer(self, session: Session, request: GetStatus) -> Status:
        """What a client may know: of the stories its own, unless it is an operator or there are no keys."""
        told = self._service.status()
        sees_all = self._sees_all(session)
        seen = [story for story in told.stories if sees_all or self._is_own(session, story)]
        loads = self._watchers.loads()
        stories = []
        for story in seen[:MOST_STORIES]:
            watchers, lag = loads.get(story.story_id, (0, 0))
            stories.append(story.model_copy(update={"watchers": watchers, "lag_frames": lag}))
        return Status(
            request=request.request,
            state=told.state,
            detail=told.detail,
            uptime_s=told.uptime_s,
            frames_per_s=told.frames_per_s,
            memory_bytes=told.memory_bytes,
            gpu_bytes=told.gpu_bytes,
            clients=len(self._sessions),
            watchers=sum(watchers for watchers, _ in loads.values()),
            open_stories=len(told.stories),
            all_seen=len(stories) == len(told.stories),
            stories=tuple(stories),
        )

    def _sees_all(self, session: Session) -> bool:
        return self._allowed is None or (session.user is not None and self._allowed.is_operator(session.user))

    def _is_own(self, session: Session, story: StoryReport) -> bool:
        known = self._ledger.get(story.story_id)
        return known is not None and known.closed is None and known.user == session.user
