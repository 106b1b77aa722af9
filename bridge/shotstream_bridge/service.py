# SPDX-License-Identifier: Apache-2.0
"""What a host implements so that an endpoint can serve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from shotstream_bridge.messages import (
    CancelBeat,
    CloseStory,
    OpenStory,
    ServerInfo,
    ServerStateName,
    StoryOpened,
    StoryReport,
    SubmitBeat,
)


@dataclass(frozen=True)
class ServiceStatus:
    """How a service stands; see :class:`~shotstream_bridge.replies.Status`.

    Attributes:
        stories: All that are open, without what the endpoint knows itself (``watchers``, ``lag_frames``).
    """

    state: ServerStateName
    uptime_s: float
    detail: str | None = None
    frames_per_s: float = 0.0
    memory_bytes: int | None = None
    gpu_bytes: int | None = None
    stories: tuple[StoryReport, ...] = ()


class StoryService(Protocol):
    """The host behind a :class:`~shotstream_bridge.endpoint.ServerEndpoint`.

    Every method is called on the endpoint's thread, one at a time, and holds up all clients while it runs:
    it must return at once and leave work to other threads. It refuses with
    :class:`~shotstream_bridge.errors.RequestRejected`; any other exception is logged and answered as
    ``internal``.

    A method may call the endpoint's ``publish`` and ``publish_frame``; what it publishes reaches clients
    after the answer to the request.
    """

    def server_info(self) -> ServerInfo:
        """Describes the service; called for each handshake."""
        ...

    def status(self) -> ServiceStatus:
        """Tells how the service and its stories stand; the endpoint decides who is told what."""
        ...

    def open_story(self, client_id: str, request: OpenStory) -> StoryOpened:
        """Opens a story; the same client opening it again gets the same answer and no second story."""
        ...

    def submit_beat(self, client_id: str, request: SubmitBeat) -> None:
        """Accepts a beat by returning. The same beat again (story and beat id) has no second effect."""
        ...

    def cancel_beat(self, client_id: str, request: CancelBeat) -> None:
        """Cancels a beat; the ``done`` stage with outcome ``cancelled`` is published when it took effect."""
        ...

    def close_story(self, client_id: str, request: CloseStory) -> None:
        """Closes a story; ``StoryClosed`` is published when it took effect."""
        ...

    def client_gone(self, client_id: str) -> None:
        """A client left, or lost its connection and did not come back in time (``Quotas.resume_s``).

        Its subscriptions are gone; its stories are the host's to decide on.
        """
        ...
