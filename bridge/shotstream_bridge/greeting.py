# SPDX-License-Identifier: Apache-2.0
"""Asks a port for its ZMTP greeting, to tell why a handshake failed: the library does not say.

A server closes on a peer of another security mechanism at once, and often the peer then has not read the
greeting that would have told it so.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from typing import Any, Final

_BYTES: Final = 64
_WAIT_S: Final = 1.0
# The peer tells its mechanism only once it has seen that it talks to a peer of version 3.
_SIGNATURE: Final = b"\xff" + bytes(8) + b"\x7f\x03"


class MechanismQuestion:
    """Asks what listens at an address for its security mechanism, without waiting unless told to.

    Args:
        address: ``tcp://HOST:PORT``.

    Attributes:
        done: Whether the answer is there, or none will come: after a second at the latest.
        mechanism: ``NULL``, ``CURVE`` or another; None when nothing there speaks ZeroMQ.
    """

    def __init__(self, address: str) -> None:
        self.done = False
        self.mechanism: str | None = None
        self._until = time.monotonic() + _WAIT_S
        self._greeting = b""
        self._asked = False
        self._peer: socket.socket | None = None
        self._places: list[tuple[Any, ...]] = []
        self._looked_up = threading.Event()
        # A name service may take its time, and has no call that does not wait.
        threading.Thread(target=self._look_up, args=(address,), daemon=True).start()

    def step(self, wait: float = 0.0) -> None:
        """Does what can be done now; waits up to ``wait`` seconds for something to do."""
        if self.done:
            return
        try:
            if self._peer is None:
                if not self._looked_up.wait(wait):
                    if time.monotonic() >= self._until:
                        self.close()
                    return
                self._peer = self._connect()
            peer = self._peer
            # Not select itself: a host application may have more descriptors than it takes.
            with selectors.DefaultSelector() as selector:
                selector.register(peer, selectors.EVENT_READ if self._asked else selectors.EVENT_WRITE)
                ready = bool(selector.select(wait))
            if ready and not self._asked:
                # A connection that failed counts as writable, and sending says why.
                peer.sendall(_SIGNATURE)
                self._asked = True
            elif ready:
                more = peer.recv(_BYTES - len(self._greeting))
                self._greeting += more
                if not more or len(self._greeting) == _BYTES:
                    self._read_greeting()
        except OSError:
            self.close()
        if time.monotonic() >= self._until:
            self.close()

    def close(self) -> None:
        """Ends it, with the answer that there is."""
        self.done = True
        if self._peer is not None:
            self._peer.close()
            self._peer = None

    def _look_up(self, address: str) -> None:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        with contextlib.suppress(OSError):  # told by there being none
            self._places = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        self._looked_up.set()

    def _connect(self) -> socket.socket:
        if not self._places:
            raise OSError("the name leads nowhere")
        family, kind, protocol, _, where = self._places[0]
        peer = socket.socket(family, kind, protocol)
        peer.setblocking(False)
        peer.connect_ex(where)
        return peer

    def _read_greeting(self) -> None:
        greeting = self._greeting
        if len(greeting) == _BYTES and greeting[0] == 0xFF and greeting[9] == 0x7F:
            self.mechanism = greeting[12:32].rstrip(b"\0").decode("ascii", "replace")
        self.close()


def ask_mechanism(address: str) -> str | None:
    """The security mechanism of what listens at an address.

    Args:
        address: ``tcp://HOST:PORT``.

    Returns:
        ``NULL``, ``CURVE`` or another; None when nothing there speaks ZeroMQ within a second.
    """
    question = MechanismQuestion(address)
    while not question.done:
        question.step(_WAIT_S)
    return question.mechanism


def explain_mechanism(address: str, *, keys: bool) -> str | None:
    """Why a handshake that ended without a word has failed, as far as keys are the cause.

    Args:
        address: ``tcp://HOST:PORT``.
        keys: Whether the client has keys.
    """
    return why_mechanism(ask_mechanism(address), keys=keys)


def why_mechanism(mechanism: str | None, *, keys: bool) -> str | None:
    """What a server's mechanism tells of a handshake that has failed; None if keys are not the cause.

    Args:
        mechanism: The server's.
        keys: Whether the client has keys.
    """
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
