# SPDX-License-Identifier: Apache-2.0
"""Shows connections out that are nobody's: those that never said hello, those whose client was dropped, and
the oldest of too many at a time.

The library accepts every TCP connection and keeps it for as long as its peer does. Without this, strangers
that connect and say nothing would use up the server's descriptors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any, Final

import zmq
from zmq.utils.monitor import recv_monitor_message

from shotstream_bridge.arrival import TcpConnection

HELLO_S: Final = 10.0
"""How long a connection may be nobody's."""
MOST_STRANGERS: Final = 256
"""Connections that may be nobody's at a time: well below the 1,024 descriptors that a process has by default,
which stories and their journals need too."""


class Doorkeeper:
    """Watches the connections of a server's socket. Belongs to the endpoint's thread.

    Args:
        socket: The ROUTER, before it is bound.
        patience_s: Seconds that a connection may be nobody's.

    Attributes:
        monitor: Has something to read when :meth:`look` has something to do.
    """

    def __init__(self, socket: zmq.Socket[Any], patience_s: float = HELLO_S) -> None:
        self._socket = socket
        self._patience_s = patience_s
        self.monitor = socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._since: dict[int, tuple[TcpConnection, float]] = {}

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._since)

    def look(self, now: float) -> None:
        """Takes in who has come and gone."""
        while int(self.monitor.getsockopt(zmq.EVENTS)) & int(zmq.POLLIN):
            message = recv_monitor_message(self.monitor, zmq.NOBLOCK)
            number = int(message["value"])
            if message["event"] == zmq.EVENT_ACCEPTED:
                connection = TcpConnection.at(number)
                if connection is not None:
                    self._since[number] = (connection, now)
            else:
                self._since.pop(number, None)

    def overdue(self, claimed: Collection[int], now: float) -> list[TcpConnection]:
        """The connections that have been nobody's for too long, or are the oldest of too many; each once.

        Args:
            claimed: Descriptors of the connections that belong to clients.
            now: Monotonic seconds.
        """
        strangers = []
        for number, (connection, since) in self._since.items():
            if number in claimed:
                self._since[number] = (connection, now)
            else:
                strangers.append((since, number, connection))
        strangers.sort(key=lambda stranger: stranger[:2])
        too_many = len(strangers) - MOST_STRANGERS
        found = []
        for place, (since, number, connection) in enumerate(strangers):
            if place < too_many or now - since >= self._patience_s:
                found.append(connection)
                del self._since[number]
        return found

    def close(self) -> None:
        """Ends watching; before the socket is closed."""
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disable_monitor()
        self.monitor.close(0)
