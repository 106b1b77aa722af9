# SPDX-License-Identifier: Apache-2.0
"""The client's side of the protocol without sockets, threads or clocks, for every kind of client to share.

The transport around it moves bytes: it sends what stands in :attr:`ClientCore.outgoing`, hands in what
arrives, and calls :meth:`ClientCore.tick` when :meth:`ClientCore.seconds_to_tick` have passed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from shotstream_bridge.codec import decode_server, encode
from shotstream_bridge.errors import ErrorCode, FrameError, InvalidMessageError, NotConnectedError
from shotstream_bridge.events import ClientEvent, ConnectionLost, FrameDamaged, Reply
from shotstream_bridge.fields import EndpointLimits, Message, PixelFormat, ServerInfo, WatchMode
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import ServerMessage
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    FrameHeader,
    Refused,
    ServerState,
    StoryClosed,
    StoryOpened,
    Subscribed,
    Welcome,
)
from shotstream_bridge.requests import (
    CancelBeat,
    CloseStory,
    Goodbye,
    GrantCredits,
    Heartbeat,
    Hello,
    OpenStory,
    SubmitBeat,
    Subscribe,
    Unsubscribe,
)
from shotstream_bridge.story import BeatScript
from shotstream_bridge.version import FEATURES, PROTOCOL_VERSIONS

DEFAULT_HEARTBEAT_S: Final = 1.0
DEFAULT_TIMEOUT_S: Final = 10.0


class ClientState(StrEnum):
    """Where a client stands; ``docs/protocol.md`` has the transitions."""

    GREETING = "greeting"
    """``hello`` is to be answered."""
    OPEN = "open"
    """Welcomed."""
    CLOSED = "closed"
    """Refused, lost, or left."""


@dataclass
class _Window:
    """What a subscription may have in flight.

    Attributes:
        story_id: The story.
        credits: The window's size.
        spent: Frames handed to the application since the last grant.
        automatic: Whether spent credits are granted again.
    """

    story_id: str
    credits: int
    automatic: bool
    spent: int = 0


class ClientCore:
    """The protocol's state in a client.

    Args:
        client_id: Names the client across connections.
        product: Product and version of the client's program.
        now: Monotonic seconds.
        heartbeat_s: Wanted heartbeat, seconds.
        timeout_s: Wanted silence after which the server counts as dead, seconds.
    """

    def __init__(
        self,
        client_id: str,
        *,
        product: str,
        now: float,
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        self._hello = Hello(
            versions=PROTOCOL_VERSIONS,
            client_id=client_id,
            product=product,
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            features=FEATURES,
        )
        self._heard_at = now
        self._sent_at = now
        self._requests = 0
        self._subscriptions = 0
        self._windows: dict[int, _Window] = {}
        self._awaited: dict[int, Reply | None] = {}
        self._welcome: Welcome | None = None
        self._server: ServerInfo | None = None
        self.state = ClientState.GREETING
        self.refused: Refused | Error | None = None
        self.lost: ConnectionLost | None = None
        self.outgoing: deque[bytes] = deque()

    @property
    def client_id(self) -> str:
        """The client's name."""
        return self._hello.client_id

    @property
    def version(self) -> int:
        """The protocol version settled on."""
        return self._welcomed().version

    @property
    def server(self) -> ServerInfo:
        """What the server told of itself, with its latest state."""
        self._welcomed()
        assert self._server is not None  # noqa: S101 - set with the welcome
        return self._server

    @property
    def limits(self) -> EndpointLimits:
        """What the server allows on a connection."""
        return self._welcomed().limits

    def _welcomed(self) -> Welcome:
        if self._welcome is None:
            raise NotConnectedError("the server has not welcomed this client yet")
        return self._welcome

    # --- requests -------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Says hello; once for each connection attempt of the transport."""
        self.outgoing.clear()
        self.outgoing.append(encode(self._hello))

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
        return self._post(request, SubmitBeat(request=request, story_id=story_id, beat=beat))

    def cancel_beat(self, story_id: str, beat_id: str) -> int:
        """Cancels a beat; returns the request's number."""
        request = self._next_request()
        return self._post(request, CancelBeat(request=request, story_id=story_id, beat_id=beat_id))

    def close_story(self, story_id: str, *, drain: bool) -> int:
        """Closes a story; returns the request's number."""
        request = self._next_request()
        return self._post(request, CloseStory(request=request, story_id=story_id, drain=drain))

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
        )
        self._subscriptions += 1
        self._windows[number] = _Window(story_id, credits, automatic)
        return self._post(request, message), number

    def grant(self, subscription: int, credits: int) -> None:
        """Grants credits by hand."""
        self._post(0, GrantCredits(subscription=subscription, credits=credits))

    def unsubscribe(self, subscription: int) -> int:
        """Ends a subscription; returns the request's number."""
        request = self._next_request()
        self._windows.pop(subscription, None)
        return self._post(request, Unsubscribe(request=request, subscription=subscription))

    def consumed(self, subscription: int) -> None:
        """The application was handed a frame: its credit may be granted again.

        Grants go out for half a window at a time, which costs few messages and never empties the window.
        """
        window = self._windows.get(subscription)
        if window is None or not window.automatic or self.state is not ClientState.OPEN:
            return
        window.spent += 1
        if 2 * window.spent >= window.credits:
            self.grant(subscription, window.spent)
            window.spent = 0

    def leave(self, reason: str | None = None) -> None:
        """Says goodbye, if the connection is open, and closes."""
        if self.state is ClientState.OPEN:
            self.outgoing.append(encode(Goodbye(reason=reason)))
        else:
            self.outgoing.clear()
        self.state = ClientState.CLOSED

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
        if self.state is not ClientState.OPEN:
            raise NotConnectedError(self.lost.reason if self.lost else "this client is not connected")
        self._requests = self._requests % (2**32 - 1) + 1
        return self._requests

    def _post(self, request: int, message: Message) -> int:
        if self.state is not ClientState.OPEN:
            raise NotConnectedError(self.lost.reason if self.lost else "this client is not connected")
        self.outgoing.append(encode(message))
        return request

    # --- time -----------------------------------------------------------------------------------------

    def sent(self, now: float) -> None:
        """The transport has sent something."""
        self._sent_at = now

    def seconds_to_tick(self, now: float) -> float:
        """How long the transport may wait for arrivals before it calls :meth:`tick`."""
        if self._welcome is None or self.state is not ClientState.OPEN:
            return DEFAULT_HEARTBEAT_S
        due = min(self._sent_at + self._welcome.heartbeat_s, self._heard_at + self._welcome.timeout_s)
        return max(0.0, due - now)

    def tick(self, now: float) -> list[ClientEvent]:
        """Sends a heartbeat when one is due; notices a dead server. Called after arrivals were handed in."""
        if self._welcome is None or self.state is not ClientState.OPEN:
            return []
        if now >= self._heard_at + self._welcome.timeout_s:
            return self.connection_lost(f"the server was silent for {self._welcome.timeout_s:g} s")
        if now >= self._sent_at + self._welcome.heartbeat_s and not self.outgoing:
            self.outgoing.append(encode(Heartbeat()))
        return []

    # --- arrivals -------------------------------------------------------------------------------------

    def connection_lost(self, reason: str, *, by_server: bool = False) -> list[ClientEvent]:
        """The transport or the server ended the connection; gives the last event, once."""
        if self.state is ClientState.CLOSED:
            return []
        self.state = ClientState.CLOSED
        self.outgoing.clear()
        self.lost = ConnectionLost(reason, by_server)
        return [self.lost]

    def receive(self, parts: Sequence[memoryview], now: float) -> list[ClientEvent]:
        """Handles one multipart message.

        Args:
            parts: Header and, for a frame, payload. The payload's memory is kept by the event.
            now: Monotonic seconds.

        Returns:
            What the application should know of it.
        """
        self._heard_at = now
        if self.state is ClientState.CLOSED:
            return []
        try:
            message = decode_server(parts[0])
            if len(parts) != (2 if isinstance(message, FrameHeader) else 1):
                raise InvalidMessageError(ErrorCode.MALFORMED, f"{message.type} has {len(parts)} parts")
        except InvalidMessageError as error:
            return self.connection_lost(f"the server sent what is not the protocol: {error}")
        if self.state is ClientState.GREETING:
            return self._greeted(message)
        if isinstance(message, FrameHeader):
            return [self._frame(message, parts[1])]
        return self._news(message)

    def _greeted(self, message: ServerMessage) -> list[ClientEvent]:
        if isinstance(message, Welcome):
            self._welcome = message
            self._server = message.server
            self.state = ClientState.OPEN
        elif isinstance(message, Refused | Error):
            self.refused = message
            self.state = ClientState.CLOSED
        return []

    def _frame(self, header: FrameHeader, payload: memoryview) -> ClientEvent:
        frame = ReceivedFrame(header, np.frombuffer(payload, np.uint8))
        try:
            frame.verify()
        except FrameError as error:
            self.consumed(header.subscription)
            return FrameDamaged(header, str(error))
        return frame

    def _news(self, message: ServerMessage) -> list[ClientEvent]:
        match message:
            case Goodbye():
                reason = message.reason or "the server said goodbye"
                return self.connection_lost(reason, by_server=True)
            case Error() if message.code == ErrorCode.HELLO_REQUIRED:
                return self.connection_lost("the server no longer knows this client", by_server=True)
            case Heartbeat() | Welcome() | Refused() | FrameHeader():
                return []
            case StoryOpened() | BeatStatus() | Subscribed() | Ack() | Error() if (
                message.request in self._awaited
            ):
                self._awaited[message.request] = message
                return []
            case ServerState():
                changed = {"state": message.state, "detail": message.detail}
                self._server = self.server.model_copy(update=changed)
            case StoryClosed():
                ended = [n for n, window in self._windows.items() if window.story_id == message.story_id]
                for number in ended:
                    del self._windows[number]
        return [message]
