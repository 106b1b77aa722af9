# SPDX-License-Identifier: Apache-2.0
"""What the server knows about one connected client."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import zmq

from shotstream_bridge.arrival import TcpConnection
from shotstream_bridge.codec import encode
from shotstream_bridge.errors import BridgeError
from shotstream_bridge.fields import Message
from shotstream_bridge.rate import TokenBucket
from shotstream_bridge.replies import StoryClosed
from shotstream_bridge.request_order import RequestOrder

ENDED_REMEMBERED = 1024
"""Ended subscriptions whose late credits are ignored: the grant and the end may cross on the way."""


class SessionState(StrEnum):
    """Where a client stands on the server; ``docs/protocol.md`` has the transitions."""

    WELCOMED = "welcomed"
    """Connected."""
    LOST = "lost"
    """Its connection is lost, and its place is kept."""
    REPLACED = "replaced"
    """It goes on over another connection, with a session of its own."""
    GONE = "gone"
    """It left, or is given up."""


SESSION_TRANSITIONS: Final = {
    SessionState.WELCOMED: frozenset({SessionState.LOST, SessionState.REPLACED, SessionState.GONE}),
    SessionState.LOST: frozenset({SessionState.REPLACED, SessionState.GONE}),
    SessionState.REPLACED: frozenset[SessionState](),
    SessionState.GONE: frozenset[SessionState](),
}
"""Where a session may go from where; any other step is a fault of this package."""


@dataclass(eq=False)
class Session:
    """A client that was welcomed. Belongs to the endpoint's thread.

    Attributes:
        routing_id: Names the connection on the socket.
        client_id: Names the client across connections.
        version: Protocol version settled on.
        heartbeat_s: Silence after which the server sends a heartbeat.
        timeout_s: Silence after which the client counts as dead.
        heard_at: When anything was last received, on the monotonic clock.
        sent_at: When anything was last sent.
        outbox: Encoded messages that wait for the socket, each as its parts.
        held: ``story_closed`` messages that wait for their story's last frames.
        subscriptions: Numbers in use.
        ended: Numbers that were in use, the newest last.
        user: The client's key, where there are keys.
        connection: The TCP connection, as far as the system tells.
        bucket: How many messages it may send.
        refused: Messages refused in a row because they came too fast.
        local: Whether it is on this host, as far as its address tells.
        resumes: Whether it comes back after a lost connection.
        order: Its requests that wait for the host.
        away_until: Once its connection is lost: until when its place is kept.
        state: Where it stands; changed by :meth:`enter` alone.
    """

    routing_id: bytes
    client_id: str
    version: int
    heartbeat_s: float
    timeout_s: float
    heard_at: float
    sent_at: float
    bucket: TokenBucket
    user: bytes | None = None
    connection: TcpConnection | None = None
    refused: int = 0
    local: bool = False
    resumes: bool = False
    away_until: float = 0.0
    state: SessionState = SessionState.WELCOMED
    order: RequestOrder = field(default_factory=RequestOrder)
    outbox: deque[list[bytes | zmq.Frame]] = field(default_factory=deque)
    held: dict[str, StoryClosed] = field(default_factory=dict)
    subscriptions: dict[int, str] = field(default_factory=dict)
    ended: deque[int] = field(default_factory=lambda: deque(maxlen=ENDED_REMEMBERED))

    def enter(self, state: SessionState) -> None:
        """Goes to another state.

        Raises:
            BridgeError: There is no such step.
        """
        if state is self.state:
            return
        if state not in SESSION_TRANSITIONS[self.state]:
            raise BridgeError(f"a client that is {self.state.value} cannot become {state.value}")
        self.state = state

    def post(self, message: Message) -> None:
        """Queues a control message; it leaves in order with the others and before any frame."""
        self.outbox.append([encode(message)])

    def end_subscription(self, number: int) -> None:
        """Takes a subscription off the list."""
        if self.subscriptions.pop(number, None) is not None:
            self.ended.append(number)

    def watches(self, story_id: str) -> bool:
        """Whether a subscription of this client is on the story."""
        return story_id in self.subscriptions.values()

    def dead_at(self) -> float:
        """When the client counts as dead unless it is heard before."""
        return self.heard_at + self.timeout_s

    def heartbeat_at(self) -> float:
        """When a heartbeat is due unless something is sent before."""
        return self.sent_at + self.heartbeat_s
