# SPDX-License-Identifier: Apache-2.0
"""The connected clients, how they leave, and how they are kept a place while their connection is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from shotstream_bridge.arrival import TcpConnection
from shotstream_bridge.codec import printable
from shotstream_bridge.fields import Message
from shotstream_bridge.log_context import log_context
from shotstream_bridge.requests import Goodbye
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session, SessionState
from shotstream_bridge.watchers import Watchers

_log: Final = logging.getLogger(__name__)


class Sessions:
    """The clients that were welcomed. Belongs to the endpoint's thread.

    Args:
        service: The host, which is told of departures.
        watchers: All subscriptions; those of a client end with its session.
        resume_s: Seconds that a client which has lost its connection is kept a place.

    Attributes:
        farewells: Messages to connections that have no session, by routing id: each is sent once, if the
            socket takes it.
        to_cut: Connections to close, once what was sent has had time to leave.
    """

    def __init__(self, service: StoryService, watchers: Watchers, resume_s: float) -> None:
        self._service = service
        self._watchers = watchers
        self._resume_s = resume_s
        self._away: dict[str, Session] = {}
        self._by_route: dict[bytes, Session] = {}
        self._by_client: dict[str, Session] = {}
        self.farewells: list[tuple[bytes, Message]] = []
        self.to_cut: list[TcpConnection] = []

    def __len__(self) -> int:
        """How many clients are connected or kept a place."""
        return len(self._by_route) + len(self._away)

    def __iter__(self) -> Iterator[Session]:
        """Over the sessions of this moment: they may be dropped meanwhile."""
        return iter(list(self._by_route.values()))

    def everyone(self) -> list[Session]:
        """The connected clients and those that are kept a place."""
        return [*self._by_route.values(), *self._away.values()]

    def at(self, routing_id: bytes) -> Session | None:
        """The session of a connection."""
        return self._by_route.get(routing_id)

    def of_client(self, client_id: str) -> Session | None:
        """The session of a client, be it the one of a lost connection."""
        return self._by_client.get(client_id) or self._away.get(client_id)

    def of_user(self, user: bytes) -> int:
        """How many clients with a key are connected or kept a place."""
        return sum(session.user == user for session in self.everyone())

    def add(self, session: Session) -> None:
        """A client was welcomed."""
        self._by_route[session.routing_id] = session
        self._by_client[session.client_id] = session

    def replace(self, session: Session, why: str) -> None:
        """Says goodbye to a connection whose client goes on with another."""
        session.enter(SessionState.REPLACED)
        if self._by_route.get(session.routing_id) is session:
            self.farewells.append((session.routing_id, Goodbye(reason=why)))
        self._forget(session)

    def lose(self, session: Session, why: str, now: float, *, tell: bool = False) -> None:
        """A connection is lost: keeps the client a place if it comes back, and drops it otherwise.

        Args:
            session: The client.
            why: For the log, and for the client.
            now: Monotonic seconds.
            tell: Whether the client may still hear of it.
        """
        keeps = session.resumes and self._resume_s > 0
        if tell:
            bye = Goodbye(reason=why, resume=True if keeps else None)
            self.farewells.append((session.routing_id, bye))
        if not keeps:
            self.drop(session, why)
            return
        _log.info(
            "client %s lost: %s; its place is kept for %g s",
            session.client_id,
            printable(why),
            self._resume_s,
            extra={"client": session.client_id},
        )
        session.enter(SessionState.LOST)
        # Nobody waits for it meanwhile: its subscriptions end, and it comes back for the frames it missed.
        self._forget(session)
        session.outbox.clear()
        session.held.clear()
        session.away_until = now + self._resume_s
        self._away[session.client_id] = session

    def expire(self, now: float) -> None:
        """Drops the clients that have not come back in time."""
        for session in [s for s in self._away.values() if s.away_until <= now]:
            self.drop(session, "it did not come back")

    def next_to_expire(self) -> float | None:
        """When :meth:`expire` has something to do."""
        return min((session.away_until for session in self._away.values()), default=None)

    def dismiss(self, session: Session, why: str, *, cut: bool = False) -> None:
        """Says goodbye to a client and drops it.

        Args:
            session: The client.
            why: The reason that it is told.
            cut: Whether its TCP connection is closed too.
        """
        self.farewells.append((session.routing_id, Goodbye(reason=why)))
        if cut:
            self.cut(session.connection)
        self.drop(session, why)

    def drop(self, session: Session, why: str) -> None:
        """Forgets a client that left, died or cannot be served, and tells the service."""
        session.enter(SessionState.GONE)
        self._forget(session)
        with log_context(client=session.client_id):
            _log.info("client %s gone: %s", session.client_id, printable(why))
            try:
                self._service.client_gone(session.client_id)
            except Exception:  # noqa: BLE001 - the host's fault must not take the other clients down with it
                _log.exception("the service failed on the departure of client %s", session.client_id)

    def cut(self, connection: TcpConnection | None) -> None:
        """Has a connection closed, as far as the system tells which it is."""
        if connection is not None:
            self.to_cut.append(connection)

    def _forget(self, session: Session) -> None:
        self._by_route.pop(session.routing_id, None)
        for sessions in (self._by_client, self._away):
            if sessions.get(session.client_id) is session:
                del sessions[session.client_id]
        for watcher in self._watchers.of_connection(session.routing_id):
            self._watchers.remove(watcher.key)
