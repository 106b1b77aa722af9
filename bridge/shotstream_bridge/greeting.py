# SPDX-License-Identifier: Apache-2.0
"""Asks a port for its ZMTP greeting, to tell why a handshake failed: the library does not say.

A server closes on a peer of another security mechanism at once, and often the peer then has not read the
greeting that would have told it so.
"""

from __future__ import annotations

import socket
from typing import Final

_BYTES: Final = 64
_WAIT_S: Final = 1.0


def ask_mechanism(address: str) -> str | None:
    """The security mechanism of what listens at an address.

    Args:
        address: ``tcp://HOST:PORT``.

    Returns:
        ``NULL``, ``CURVE`` or another; None when nothing there speaks ZeroMQ within a second.
    """
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _WAIT_S) as peer:
            peer.settimeout(_WAIT_S)
            # The peer tells its mechanism only once it has seen that it talks to a peer of version 3.
            peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03")
            greeting = b""
            while len(greeting) < _BYTES:
                more = peer.recv(_BYTES - len(greeting))
                if not more:
                    return None
                greeting += more
    except OSError:
        return None
    if greeting[0] != 0xFF or greeting[9] != 0x7F:
        return None
    return greeting[12:32].rstrip(b"\0").decode("ascii", "replace")


def explain_mechanism(address: str, *, keys: bool) -> str | None:
    """Why a handshake that ended without a word has failed, as far as keys are the cause.

    Args:
        address: ``tcp://HOST:PORT``.
        keys: Whether the client has keys.
    """
    mechanism = ask_mechanism(address)
    if mechanism == "CURVE":
        return WRONG_SERVER_KEY if keys else SERVER_DEMANDS_KEYS
    return SERVER_WITHOUT_KEYS if mechanism == "NULL" and keys else None


SERVER_DEMANDS_KEYS: Final = "the server demands keys; give this client its own and the server's public one"
SERVER_WITHOUT_KEYS: Final = "the server has no keys; connect without them, if it is the right server"
WRONG_SERVER_KEY: Final = (
    "the server does not have the key that this client expects; "
    "compare the server's public key, and doubt the address"
)
"""Such a server cannot read the client's first message, and closes."""
NOT_ALLOWED: Final = (
    "the server does not allow this client's key; have it allowed there with `shotstream keys allow NAME.pub`"
)
