# SPDX-License-Identifier: Apache-2.0
"""Who a server or client is and whom it trusts, and what that means for its ZeroMQ socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import zmq

from shotstream_bridge.allow_list import DEFAULT_NAME, AllowList
from shotstream_bridge.keys import KeyPair, read_server_key

ZAP_DOMAIN: Final = "shotstream"
HANDSHAKE_MS: Final = 5_000
"""A connection that has not shaken hands by then is closed by the server."""
CLIENT_HANDSHAKE_MS: Final = 2_000
"""The same by a client, which then tries again: a server over its rate leaves a handshake unanswered."""


@dataclass(frozen=True)
class ServerSecurity:
    """A server's key and the clients it lets in; with it every connection is encrypted and authenticated.

    Attributes:
        identity: The server's key.
        allowed: Its clients.
    """

    identity: KeyPair
    allowed: AllowList

    @classmethod
    def read(cls, key: Path, allow_list: Path | None = None) -> Self:
        """Reads both files.

        Args:
            key: The server's private key file.
            allow_list: The allow-list; by default ``allowed-clients`` beside the key.

        Raises:
            KeyFileError: One of them is missing, damaged or open to others.
        """
        return cls(KeyPair.read(key), AllowList(allow_list or Path(key).parent / DEFAULT_NAME))

    def apply(self, socket: zmq.Socket[Any]) -> None:
        """Makes a socket a CURVE server whose clients the authenticator decides on."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.identity.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.identity.secret)
        socket.setsockopt_string(zmq.ZAP_DOMAIN, ZAP_DOMAIN)


@dataclass(frozen=True)
class ClientSecurity:
    """A client's key and the server's: the client talks to the holder of that key and to nobody else.

    Attributes:
        identity: The client's key.
        server_key: The server's public key, 40 characters of Z85.
    """

    identity: KeyPair
    server_key: bytes

    @classmethod
    def read(cls, key: Path, server_key: str) -> Self:
        """Reads both.

        Args:
            key: The client's private key file.
            server_key: The server's public key file, or the key itself.

        Raises:
            KeyFileError: One of them is missing or damaged.
        """
        return cls(KeyPair.read(key), read_server_key(server_key))

    def apply(self, socket: zmq.Socket[Any]) -> None:
        """Makes a socket a CURVE client of the server."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.server_key)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.identity.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.identity.secret)
