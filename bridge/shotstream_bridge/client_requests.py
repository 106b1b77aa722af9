# SPDX-License-Identifier: Apache-2.0
"""What a client asks of the server, and the answers: half of the client's core, without sockets or clocks."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

from shotstream_bridge.client_rings import ClientRings, OpenRing
from shotstream_bridge.client_stories import ClientStories
from shotstream_bridge.codec import encode
from shotstream_bridge.errors import BridgeError, NotConnectedError
from shotstream_bridge.events import ClientEvent, ConnectionLost, Reply
from shotstream_bridge.fields import Message, PixelFormat, WatchMode
from shotstream_bridge.requests import (
    CancelBeat,
    CloseStory,
    GetStatus,
    GrantCredits,
    OpenStory,
    SubmitBeat,
    Subscribe,
    Unsubscribe,
)
from shotstream_bridge.story import BeatScript


class ClientState(StrEnum):
    """Where a client stands; ``docs/protocol.md`` has the transitions."""

    GREETING = "greeting"
    """``hello`` is to be answered."""
    OPEN = "open"
    """Welcomed."""
    LOST = "lost"
    """The connection is lost, and another is being made."""
    CLOSED = "closed"
    """Refused, lost, or left."""


TRANSITIONS: Final = {
    ClientState.GREETING: frozenset({ClientState.OPEN, ClientState.CLOSED}),
    ClientState.OPEN: frozenset({ClientState.LOST, ClientState.CLOSED}),
    ClientState.LOST: frozenset({ClientState.OPEN, ClientState.CLOSED}),
    ClientState.CLOSED: frozenset[ClientState](),
}
"""Where a client may go from where; any other step is a fault of this package."""


class ClientRequests:
    """A client's requests. Those without an answer are kept, to be sent again on another connection.

    Attributes:
        lost: The last event, once there was one.
        outgoing: Encoded messages to send, the oldest first.
    """

    def __init__(self, open_ring: OpenRing) -> None:
        self._requests = 0
        self._subscriptions = 0
        self._awaited: dict[int, Reply | None] = {}
        self._unanswered: dict[int, Message] = {}
        self._stories = ClientStories()
        self._rings = ClientRings(open_ring)
        self._state = ClientState.GREETING
        # Connected anew to a server that is still loading: requests wait as without a connection.
        self._holding = False
        self.lost: ConnectionLost | None = None
        self.outgoing: deque[bytes] = deque()

    @property
    def state(self) -> ClientState:
        """Where the client stands."""
        return self._state

    def _enter(self, state: ClientState) -> None:
        """Goes to another state.

        Raises:
            BridgeError: There is no such step.
        """
        if state is self._state:
            return
        if state not in TRANSITIONS[self._state]:
            raise BridgeError(f"a client that is {self._state.value} cannot become {state.value}")
        self._state = state

    def open_story(self, story_id: str, *, global_caption: str, seed: int, title: str | None = None) -> int:
        """Opens a story; returns the request's number."""
        request = self._next_request()
        return self._post(
            request,
            OpenStory(
                request=request, story_id=story_id, title=title, global_caption=global_caption, seed=seed
            ),
        )

    def submit_beat(self, story_id: str, beat: BeatScript) -> int:
        """Sends a beat, which has its identifier; returns the request's number."""
        request = self._next_request()
        message = SubmitBeat(request=request, story_id=story_id, beat=beat)
        self._stories.progress.submitted(story_id, message.beat_id)
        return self._post(request, message)

    def cancel_beat(self, story_id: str, beat_id: str) -> int:
        """Cancels a beat; returns the request's number."""
        request = self._next_request()
        return self._post(request, CancelBeat(request=request, story_id=story_id, beat_id=beat_id))

    def close_story(self, story_id: str, *, drain: bool) -> int:
        """Closes a story; returns the request's number."""
        request = self._next_request()
        return self._post(request, CloseStory(request=request, story_id=story_id, drain=drain))

    def get_status(self) -> int:
        """Asks how the server stands; returns the request's number."""
        request = self._next_request()
        return self._post(request, GetStatus(request=request))

    def subscribe(
        self,
        story_id: str,
        mode: WatchMode,
        *,
        credits: int,
        pixel_format: PixelFormat,
        quality: int | None = None,
        checksum: bool = True,
        automatic: bool = True,
        from_frame: int | None = None,
        memory: bool = False,
    ) -> tuple[int, int]:
        """Subscribes to a story's frames.

        Args:
            story_id: The story.
            mode: ``every`` or ``latest``.
            credits: Frames that may be in flight.
            pixel_format: Layout of the payloads.
            quality: For JPEG, 1 to 100.
            checksum: Whether frames carry their checksum, to be checked on arrival.
            automatic: Whether :meth:`consumed` grants credits again.
            from_frame: The frame to begin with; None for the next one.
            memory: Whether frames are to come through shared memory, if that is possible.

        Returns:
            The request's number and the subscription's.
        """
        request = self._next_request()
        number = self._subscriptions
        message = Subscribe(
            request=request,
            subscription=number,
            story_id=story_id,
            mode=mode,
            credits=credits,
            format=pixel_format,
            quality=quality,
            checksum=checksum,
            from_frame=from_frame,
            memory=memory or None,
        )
        self._subscriptions += 1
        self._stories.subscribe(message, automatic=automatic)
        return self._post(request, message), number

    def grant(self, subscription: int, credits: int) -> None:
        """Grants credits by hand."""
        self._require_open()
        message = GrantCredits(subscription=subscription, credits=credits)
        self._send_grant(subscription, self._stories.granted(subscription, message.credits))

    def in_memory(self, subscription: int) -> bool:
        """Whether the frames of a subscription come through shared memory."""
        return subscription in self._rings

    def unsubscribe(self, subscription: int) -> int:
        """Ends a subscription; returns the request's number."""
        request = self._next_request()
        self._stories.unsubscribe(subscription)
        return self._post(request, Unsubscribe(request=request, subscription=subscription))

    def consumed(self, subscription: int) -> None:
        """The application was handed a frame: its credit may be granted again."""
        self._send_grant(subscription, self._stories.consumed(subscription))

    def _send_grant(self, subscription: int, credits: int) -> None:
        # Without a connection nothing is granted: a new one begins with the credits that there are.
        if credits and self._may_ask:
            self.outgoing.append(encode(GrantCredits(subscription=subscription, credits=credits)))

    def expect(self, request: int) -> None:
        """Keeps the reply to a request for :meth:`reply` instead of giving it as an event."""
        self._awaited[request] = None

    def reply(self, request: int) -> Reply | None:
        """The reply to an expected request, once it is there."""
        reply = self._awaited.get(request)
        if reply is not None:
            del self._awaited[request]
        return reply

    def forget(self, request: int) -> None:
        """Gives the reply to a request as an event after all."""
        self._awaited.pop(request, None)

    def _next_request(self) -> int:
        self._require_open()
        self._requests = self._requests % (2**32 - 1) + 1
        return self._requests

    def _require_open(self) -> None:
        if self.state not in (ClientState.OPEN, ClientState.LOST):
            raise NotConnectedError(self.lost.reason if self.lost else "this client is not connected")

    def _post(self, request: int, message: Message) -> int:
        # Without a connection it waits here, and leaves when there is one again.
        self._unanswered[request] = message
        if self._may_ask:
            self.outgoing.append(encode(message))
        return request

    @property
    def _may_ask(self) -> bool:
        return self.state is ClientState.OPEN and not self._holding

    def _reply(self, message: Reply) -> list[ClientEvent]:
        """The answer to a request: an event, unless it is waited for."""
        if message.request is not None:
            answered = self._unanswered.pop(message.request, None)
            if isinstance(answered, Unsubscribe):
                self._rings.drop(answered.subscription)
            if message.request in self._awaited:
                self._awaited[message.request] = message
                return []
        return [message]
