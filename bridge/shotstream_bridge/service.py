# SPDX-License-Identifier: Apache-2.0
"""What a host implements so that an endpoint can serve it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from shotstream_bridge.frames import Frame
from shotstream_bridge.messages import (
    BeatStatus,
    CancelBeat,
    CloseStory,
    OpenStory,
    ServerInfo,
    ServerStateName,
    StoryClosed,
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


@dataclass(frozen=True, kw_only=True)
class KnownStory:
    """A story that a host has from before: of an earlier run, or suspended, or ended.

    Attributes:
        opened: How it was opened; its ``request`` does not matter.
        owner: The client that opened it.
        user: That client's public key (Z85), where it had one.
        beats: The latest stage of its beats, in the order of their acceptance.
        frames: How many frames it has. They can be read with :meth:`StoryService.read_frames`.
        closed: How it ended; None: it goes on with frame number ``frames``.
    """

    opened: StoryOpened
    owner: str
    user: bytes | None
    beats: Sequence[BeatStatus]
    frames: int
    closed: StoryClosed | None = None

    @property
    def story_id(self) -> str:
        """The story's identifier."""
        return self.opened.story_id


@dataclass(frozen=True, eq=False)
class EarlierFrames:
    """Frames read back.

    Attributes:
        frames: Some frames in order, none before the one asked for.
        next_index: Where to go on; the one asked for, if there is nothing from there on.
        damage: What could not be read of them, for people.
    """

    frames: Sequence[Frame]
    next_index: int
    damage: str | None = None


class StoryService(Protocol):
    """The host behind a :class:`~shotstream_bridge.endpoint.ServerEndpoint`.

    Every method but `read_frames` is called on the endpoint's thread, one at a time, and holds up all clients
    while it runs: it must return at once and leave work to other threads. What takes its time, a record on
    its way to the disk for instance, it answers with a future: the request is answered when that is done, and
    further requests of the same connection wait for it, while other clients, heartbeats and frames do not.

    It refuses with :class:`~shotstream_bridge.errors.RequestRejected`, raised or as the future's exception;
    any other exception is logged and answered as ``internal``.

    A method may call the endpoint's ``publish`` and ``publish_frame``; what it publishes reaches clients
    after the answer to the request.
    """

    def server_info(self) -> ServerInfo:
        """Describes the service; called for each handshake."""
        ...

    def status(self) -> ServiceStatus:
        """Tells how the service and its stories stand; the endpoint decides who is told what."""
        ...

    def open_story(
        self, client_id: str, request: OpenStory, user: bytes | None
    ) -> StoryOpened | Future[StoryOpened]:
        """Opens a story; the same client opening it again gets the same answer and no second story.

        Args:
            client_id: Who asks.
            request: What for.
            user: The client's public key (Z85), where the server demands keys.
        """
        ...

    def submit_beat(self, client_id: str, request: SubmitBeat) -> Future[None] | None:
        """Accepts a beat by returning. The same beat again (story and beat id) has no second effect."""
        ...

    def cancel_beat(self, client_id: str, request: CancelBeat) -> Future[None] | None:
        """Cancels a beat; the ``done`` stage with outcome ``cancelled`` is published when it took effect."""
        ...

    def close_story(self, client_id: str, request: CloseStory) -> Future[None] | None:
        """Closes a story; ``StoryClosed`` is published when it took effect."""
        ...

    def client_gone(self, client_id: str) -> None:
        """A client left, or lost its connection and did not come back in time (``Quotas.resume_s``).

        Its subscriptions are gone; its stories are the host's to decide on.
        """
        ...

    def keeps_stories(self) -> bool:
        """Whether the stories go on with the next server when this one stops; it then only says goodbye."""
        ...

    def find_story(self, story_id: str) -> Future[None] | None:
        """A client asks for a story that the endpoint does not know.

        The host hands it to the endpoint's ``adopt`` if it has it, before the future is done; None: it has
        no such story.
        """
        ...

    def suspend_story(self, story_id: str) -> bool:
        """Nobody has been there for a story for a while, neither its owner nor anyone who watches.

        Returns:
            Whether the host lays it aside. The endpoint then forgets it, and asks for it with `find_story`
            when somebody does come.
        """
        ...

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        """Reads frames of an adopted story, or of one that the host has told to be ``archived``.

        Called on a thread that reads frames and nothing else, so that it may take its time.
        """
        ...


class WithoutArchive:
    """The part of `StoryService` that is about stories of before, for a host that keeps none."""

    def keeps_stories(self) -> bool:
        """They end with it."""
        return False

    def find_story(self, story_id: str) -> Future[None] | None:
        """There is none."""
        del story_id
        return None

    def suspend_story(self, story_id: str) -> bool:
        """It could not be found again."""
        del story_id
        return False

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        """There are none."""
        del story_id
        return EarlierFrames((), first)
