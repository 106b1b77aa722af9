# SPDX-License-Identifier: Apache-2.0
"""A message as it arrived at the server, with what the connection tells of its sender."""

from __future__ import annotations

import ipaddress
import logging
import socket
from dataclasses import dataclass, field
from typing import Any, Self

import zmq

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TcpConnection:
    """A peer's TCP connection, so that it can be closed: the library has no call for that.

    Attributes:
        number: The descriptor on which a message arrived.
        peer: Host and port at its other end at that time.
    """

    number: int
    peer: tuple[Any, ...]

    @classmethod
    def of(cls, part: zmq.Frame) -> Self | None:
        """The connection a message part came from; None where the library or the system does not say."""
        try:
            number = int(part.get(zmq.SRCFD))
        except (zmq.ZMQError, ValueError, TypeError):
            return None
        return cls.at(number)

    @classmethod
    def at(cls, number: int) -> Self | None:
        """The connection of a descriptor, while it stands."""
        try:
            return cls(number, _peer_of(number))
        except (OSError, ValueError):
            return None

    def cut(self) -> None:
        """Closes it, unless it is gone.

        The descriptor may serve another connection by now. That is told by its peer: one that still has the
        same host and port is the same connection.
        """
        try:
            if _peer_of(self.number) != self.peer:
                return
            peer = socket.socket(fileno=self.number)
        except OSError:
            return
        try:
            peer.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            _log.debug("connection of %s: %s", self.peer, error)
        finally:
            # It stays the library's to close.
            peer.detach()


def _peer_of(number: int) -> tuple[Any, ...]:
    borrowed = socket.socket(fileno=number)
    try:
        return tuple(borrowed.getpeername())
    finally:
        borrowed.detach()


@dataclass(frozen=True, eq=False)
class Arrival:
    """One multipart message.

    Attributes:
        routing_id: Names the connection on the socket.
        parts: The message without its routing id.
        at: Monotonic seconds.
    """

    routing_id: bytes
    parts: list[bytes]
    at: float
    _last: zmq.Frame | None = field(default=None, repr=False)

    @classmethod
    def receive(cls, server: zmq.Socket[bytes], at: float) -> Self:
        """Reads a message from a ROUTER.

        Raises:
            zmq.Again: There is none.
        """
        first, *rest = server.recv_multipart(zmq.NOBLOCK, copy=False)
        return cls(first.bytes, [part.bytes for part in rest], at, rest[-1] if rest else None)

    @property
    def user(self) -> bytes | None:
        """The sender's public key as CURVE has established it; None without CURVE."""
        return self._property("User-Id") or None

    @property
    def address(self) -> str:
        """The sender's address, without a port."""
        return (self._property("Peer-Address") or b"").decode("ascii", "replace")

    @property
    def local(self) -> bool:
        """Whether the sender is on this host, as far as its address tells."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False

    def connection(self) -> TcpConnection | None:
        """The TCP connection it came from."""
        return None if self._last is None else TcpConnection.of(self._last)

    def _property(self, name: str) -> bytes | None:
        if self._last is None:
            return None
        try:
            value = self._last.get(name)
        except zmq.ZMQError:
            return None
        return value.encode() if isinstance(value, str) else None
