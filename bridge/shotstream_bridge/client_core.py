# SPDX-License-Identifier: Apache-2.0
"""The client's side of the protocol without sockets, threads or clocks, for every kind of client to share.

The transport around it moves bytes: it sends what stands in :attr:`ClientCore.outgoing`, hands in what
arrives, and calls :meth:`ClientCore.tick` when :meth:`ClientCore.seconds_to_tick` have passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from shotstream_bridge.backoff import Backoff
from shotstream_bridge.client_requests import ClientRequests, ClientState
from shotstream_bridge.client_rings import OpenRing
from shotstream_bridge.codec import decode_server, encode
from shotstream_bridge.errors import (
    ErrorCode,
    FrameError,
    InvalidMessageError,
    NotConnectedError,
)
from shotstream_bridge.events import (
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    FrameDamaged,
    Reply,
)
from shotstream_bridge.fields import (
    EndpointLimits,
    ServerInfo,
    ServerStateName,
)
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import ServerMessage
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    FrameHeader,
    Refused,
    ServerState,
    Status,
    StoryClosed,
    StoryOpened,
    StoryResumed,
    Subscribed,
    Welcome,
)
from shotstream_bridge.requests import (
    Goodbye,
    Heartbeat,
    Hello,
    MemoryOpened,
    Subscribe,
    Unsubscribe,
)
from shotstream_bridge.shared_ring import RingReader
from shotstream_bridge.version import FEATURES, PROTOCOL_VERSIONS

DEFAULT_HEARTBEAT_S: Final = 1.0
DEFAULT_TIMEOUT_S: Final = 10.0
ASK_AGAIN_S: Final = 0.5
"""After which a server is asked again that could not take something up at the moment."""


class ClientCore(ClientRequests):
    """The protocol's state in a client.

    Args:
        client_id: Names the client across connections.
        product: Product and version of the client's program.
        now: Monotonic seconds.
        heartbeat_s: Wanted heartbeat, seconds.
        timeout_s: Wanted silence after which the server counts as dead, seconds.
        reconnect_s: Seconds for which a lost connection is tried to be restored; 0 for not at all.
        open_ring: Opens the server's shared memory.

    Attributes:
        refused: What the server answered to ``hello``, if it was no welcome.
        loading_progress: How far the server's loading is, from 0 to 1, as far as it has told.
    """

    def __init__(
        self,
        client_id: str,
        *,
        product: str,
        now: float,
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        reconnect_s: float = 0.0,
        open_ring: OpenRing = RingReader,
    ) -> None:
        super().__init__(open_ring)
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
        self._backoff = Backoff(reconnect_s)
        self._reconnects = reconnect_s > 0
        self._welcome: Welcome | None = None
        self._server: ServerInfo | None = None
        self._interruption = ""
        # When to ask again for what a server could not take up at the moment.
        self._ask_again_at: float | None = None
        self.loading_progress: float | None = None
        self.refused: Refused | Error | None = None

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

    def knows(self, feature: str) -> bool:
        """Whether the server has a feature of the protocol."""
        return feature in (self._welcomed().features or ())

    def _welcomed(self) -> Welcome:
        if self._welcome is None:
            raise NotConnectedError("the server has not welcomed this client yet")
        return self._welcome

    # --- life -----------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Says hello; once for each connection of the transport."""
        again = self.state is ClientState.LOST
        hello = self._hello.model_copy(update={"resume": True}) if again else self._hello
        self.outgoing.clear()
        self.outgoing.append(encode(hello))

    def leave(self, reason: str | None = None) -> None:
        """Says goodbye, if the connection is open, and closes."""
        self._rings.drop_all()
        if self.state is ClientState.OPEN:
            self.outgoing.append(encode(Goodbye(reason=reason)))
        else:
            self.outgoing.clear()
        self._enter(ClientState.CLOSED)

    # --- time -----------------------------------------------------------------------------------------

    def sent(self, now: float) -> None:
        """The transport has sent something."""
        self._sent_at = now

    def seconds_to_tick(self, now: float) -> float:
        """How long the transport may wait for arrivals before it calls :meth:`tick`."""
        if self._welcome is None or self.state in (ClientState.GREETING, ClientState.CLOSED):
            return DEFAULT_HEARTBEAT_S
        if self.state is ClientState.LOST:
            due = self._backoff.next_event()
            if self._backoff.attempting:
                due = min(due, self._sent_at + self._welcome.timeout_s)
        else:
            due = min(self._sent_at + self._welcome.heartbeat_s, self._heard_at + self._welcome.timeout_s)
            if self._ask_again_at is not None:
                due = min(due, self._ask_again_at)
        return max(0.0, due - now)

    def tick(self, now: float) -> list[ClientEvent]:
        """Sends a heartbeat when one is due; notices a dead server. Called after arrivals were handed in."""
        if self._welcome is None or self.state in (ClientState.GREETING, ClientState.CLOSED):
            return []
        if self.state is ClientState.LOST:
            if self._backoff.over(now):
                return self._give_up(self._interruption)
            if self._backoff.attempting and now >= self._sent_at + self._welcome.timeout_s:
                self._backoff.failed(now)
            return []
        if now >= self._heard_at + self._welcome.timeout_s:
            return self.connection_lost(f"the server was silent for {self._welcome.timeout_s:g} s", now)
        if self._ask_again_at is not None and now >= self._ask_again_at:
            self._ask_again_at = None
            for message in self._stories.resume_postponed(self._next_request):
                self.outgoing.append(encode(message))
        if now >= self._sent_at + self._welcome.heartbeat_s and not self.outgoing:
            self.outgoing.append(encode(Heartbeat()))
        return []

    # --- losing the connection ------------------------------------------------------------------------

    def wants_connection(self, now: float) -> bool:
        """Whether the transport should connect anew, now; it then calls :meth:`greet` once it has."""
        if self.state is not ClientState.LOST or not self._backoff.due(now):
            return False
        self._backoff.attempting = True
        self._sent_at = now
        return True

    def connection_lost(
        self, reason: str, now: float, *, by_server: bool = False, final: bool = False
    ) -> list[ClientEvent]:
        """The transport or the server ended the connection.

        Args:
            reason: For people.
            now: Monotonic seconds.
            by_server: Whether the server said so.
            final: Whether it is of no use to try again.

        Returns:
            :class:`ConnectionInterrupted` if the connection is tried to be restored,
            :class:`ConnectionLost`, once, if not.
        """
        if self.state is ClientState.CLOSED:
            return []
        self._rings.drop_all()
        self.outgoing.clear()
        self._ask_again_at = None
        told, self._holding = self._holding, False
        again = self.state is ClientState.LOST
        resumable = self._welcome is not None and "resume" in (self._welcome.features or ())
        if final or not (self._reconnects and resumable):
            return self._give_up(reason, by_server)
        if again:
            self._backoff.failed(now)
            return []
        self._backoff.lost(now)
        self._enter(ClientState.LOST)
        self._interruption = reason
        # One that was lost again before anything was taken up is still the same interruption.
        return [] if told else [ConnectionInterrupted(reason)]

    def _give_up(self, reason: str, by_server: bool = False) -> list[ClientEvent]:
        self._enter(ClientState.CLOSED)
        self.lost = ConnectionLost(reason, by_server)
        return [self.lost]

    def _resume(self) -> list[ClientEvent]:
        """Takes everything up again on a new connection; what is sent twice has no second effect."""
        self._holding = False
        for message in self._stories.resume(self._next_request):
            self.outgoing.append(encode(message))
        news: list[ClientEvent] = [ConnectionResumed()]
        asked = {m.subscription for m in self._unanswered.values() if isinstance(m, Subscribe)}
        for request, message in list(self._unanswered.items()):
            if isinstance(message, Unsubscribe) and message.subscription not in asked:
                # It ended with the old connection, and is not asked for again on this one.
                news += self._reply(Ack(request=request))
            else:
                self.outgoing.append(encode(message))
        return news

    # --- arrivals -------------------------------------------------------------------------------------

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
            with_payload = isinstance(message, FrameHeader) and message.slot is None
            if len(parts) != 1 + with_payload:
                raise InvalidMessageError(ErrorCode.MALFORMED, f"{message.type} has {len(parts)} parts")
        except InvalidMessageError as error:
            why = f"the server sent what is not the protocol: {error}"
            return self.connection_lost(why, now, final=True)
        if self.state is not ClientState.OPEN:
            return self._greeted(message, now)
        if isinstance(message, FrameHeader):
            return self._frame(message, parts[-1])
        return self._news(message, now)

    def _greeted(self, message: ServerMessage, now: float) -> list[ClientEvent]:
        again = self.state is ClientState.LOST
        if isinstance(message, Welcome):
            self._welcome = message
            self._server = message.server
            self._enter(ClientState.OPEN)
            if again:
                self._backoff.restored(self._heard_at)
                # A server that was started anew cannot tell yet what it has.
                self._holding = message.server.state is ServerStateName.LOADING
                return [] if self._holding else self._resume()
        elif isinstance(message, Refused | Error):
            if again:
                return self.connection_lost(message.reason, now, final=not message.retryable)
            self.refused = message
            self._enter(ClientState.CLOSED)
        elif isinstance(message, Goodbye) and again:
            return self.connection_lost(message.reason or "the server said goodbye", now, final=True)
        return []

    def _frame(self, header: FrameHeader, payload: memoryview) -> list[ClientEvent]:
        missed = self._stories.received(header)
        try:
            pixels = np.frombuffer(payload, np.uint8) if header.slot is None else self._rings.read(header)
            frame = ReceivedFrame(header, pixels)
            frame.verify()
        except FrameError as error:
            self.consumed(header.subscription)
            return [*missed, FrameDamaged(header, str(error))]
        return [*missed, frame]

    def _news(self, message: ServerMessage, now: float) -> list[ClientEvent]:
        more: list[ClientEvent] = []
        match message:
            case Goodbye():
                reason = message.reason or "the server said goodbye"
                return self.connection_lost(reason, now, by_server=True, final=not message.resume)
            case Error() if message.code == ErrorCode.HELLO_REQUIRED:
                return self.connection_lost("the server no longer knows this client", now, by_server=True)
            case StoryOpened() | StoryResumed() | Subscribed() | Status() | BeatStatus() | Ack() | Error():
                return self._answered(message, now)
            case Heartbeat() | Welcome() | Refused() | FrameHeader():
                return []
            case ServerState():
                more = self._server_changed(message)
            case StoryClosed() if self._stories.is_resuming(message.story_id):
                return []
            case StoryClosed():
                for number in self._stories.watched(message.story_id):
                    self._rings.drop(number)
                self._stories.closed(message.story_id)
        return [message, *more]

    def _server_changed(self, news: ServerState) -> list[ClientEvent]:
        changed = {"state": news.state, "detail": news.detail}
        self._server = self.server.model_copy(update=changed)
        self.loading_progress = news.progress
        goes_on = self._holding and news.state is not ServerStateName.LOADING
        return self._resume() if goes_on else []

    def _answered(self, message: Reply | StoryResumed, now: float) -> list[ClientEvent]:
        stories = self._stories
        if isinstance(message, StoryResumed):
            stories.resumed(message)
            return []
        if isinstance(message, BeatStatus):
            return self._staged(message)
        instead: list[ClientEvent] | None = None
        if isinstance(message, StoryOpened):
            stories.opened(message.story_id)
        elif isinstance(message, Subscribed):
            opened = self._rings.take(message)
            if opened is not None:
                self.outgoing.append(encode(MemoryOpened(subscription=message.subscription, opened=opened)))
            instead = stories.subscribed(message)
        elif isinstance(message, Error):
            instead = stories.not_resumed(message)
            if stories.postpones and self._ask_again_at is None:
                self._ask_again_at = now + ASK_AGAIN_S
        return self._reply(message) if instead is None else instead

    def _staged(self, status: BeatStatus) -> list[ClientEvent]:
        if status.request is None and self._stories.is_resuming(status.story_id):
            return []
        new: list[ClientEvent] = list(self._stories.progress.advance(status))
        if status.request is not None and not self._reply(status):
            return [event for event in new if event is not status]
        return new
