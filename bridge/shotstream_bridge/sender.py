# SPDX-License-Identifier: Apache-2.0
"""Sends to sessions over the endpoint's ROUTER, and remembers which connections are full."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import zmq

from shotstream_bridge.codec import encode
from shotstream_bridge.session import Session
from shotstream_bridge.sessions import Sessions

RETRY_S: Final = 0.005
"""A ROUTER does not say when a full connection takes messages again, so it is asked this often."""
# A plain number: an enumeration's bit operations cost more than the send they are for.
_MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)


class Sender:
    """The endpoint's outgoing half. Belongs to its thread.

    Args:
        socket: The ROUTER.
        sessions: The connected clients.
        outbox_messages: Messages that may wait for a client which does not read.

    Attributes:
        blocked: Connections that take nothing at the moment, and when to try again.
    """

    def __init__(self, socket: zmq.Socket[Any], sessions: Sessions, outbox_messages: int) -> None:
        self._socket = socket
        self._sessions = sessions
        self._outbox_messages = outbox_messages
        self.blocked: dict[bytes, float] = {}

    def send(self, session: Session, parts: list[bytes | zmq.Frame], now: float) -> bool:
        """Sends a message; False if the connection is full, or turns out to be lost."""
        *leading, last = (session.routing_id, *parts)
        try:
            # Every part but the payload is small: copying those is cheaper than tracking them.
            for part in leading:
                self._socket.send(part, _MORE)
            self._socket.send(last, zmq.NOBLOCK, copy=isinstance(last, bytes))
        except zmq.Again:
            self.blocked[session.routing_id] = now + RETRY_S
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._sessions.lose(session, "the connection is closed", now)
            return False
        session.sent_at = now
        return True

    def flush(self, now: float) -> None:
        """Sends what waits in the outboxes, as far as it is taken."""
        for routing_id in [r for r, until in self.blocked.items() if until <= now]:
            del self.blocked[routing_id]
        for session in self._sessions:
            if session.routing_id in self.blocked:
                if len(session.outbox) > self._outbox_messages:
                    self._sessions.drop(session, f"it does not read: {len(session.outbox)} messages wait")
                continue
            while session.outbox:
                if not self.send(session, session.outbox[0], now):
                    break
                session.outbox.popleft()

    def say_farewells(self) -> None:
        """Sends what is for connections without a session, once."""
        farewells = self._sessions.farewells
        if not farewells:
            return
        for routing_id, message in farewells:
            # Nothing is kept for those without a session: a stranger that does not read gets no answer.
            with contextlib.suppress(zmq.ZMQError):
                self._socket.send_multipart([routing_id, encode(message)], zmq.NOBLOCK)
        farewells.clear()
