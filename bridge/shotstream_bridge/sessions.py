# SPDX-License-Identifier: Apache-2.0
"""The connected clients, and how they leave."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from shotstream_bridge.arrival import TcpConnection
from shotstream_bridge.codec import printable
from shotstream_bridge.fields import Message
from shotstream_bridge.requests import Goodbye
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.watchers import Watchers

_log: Final = logging.getLogger(__name__)


class Sessions:
    """The clients that were welcomed. Belongs to the endpoint's thread.

    Args:
        service: The host, which is told of departures.
        watchers: All subscriptions; those of a client end with its session.

    Attributes:
        farewells: Messages to connections that have no session, by routing id: each is sent once, if the
            socket takes it.
        to_cut: Connections to close, once what was sent has had time to leave.
    """

    def __init__(self, service: StoryService, watchers: Watchers) -> None:
        self._service = service
        self._watchers = watchers
        self._by_route: dict[bytes, Session] = {}
        self._by_client: dict[str, Session] = {}
        self.farewells: list[tuple[bytes, Message]] = []
        self.to_cut: list[TcpConnection] = []

    def __len__(self) -> int:
        return len(self._by_route)

    def __iter__(self) -> Iterator[Session]:
        """Over the sessions of this moment: they may be dropped meanwhile."""
        return iter(list(self._by_route.values()))

    def at(self, routing_id: bytes) -> Session | None:
        """The session of a connection."""
        return self._by_route.get(routing_id)

    def of_client(self, client_id: str) -> Session | None:
        """The session of a client."""
        return self._by_client.get(client_id)

    def add(self, session: Session) -> None:
        """A client was welcomed."""
        self._by_route[session.routing_id] = session
        self._by_client[session.client_id] = session

    def replace(self, session: Session, why: str) -> None:
        """Says goodbye to a session whose client stays, on another connection."""
        self.farewells.append((session.routing_id, Goodbye(reason=why)))
        self._forget(session)

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
        _log.info("client %s gone: %s", session.client_id, printable(why))
        self._forget(session)
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
        if self._by_client.get(session.client_id) is session:
            del self._by_client[session.client_id]
        for watcher in self._watchers.of_connection(session.routing_id):
            self._watchers.remove(watcher.key)
