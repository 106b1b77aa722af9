# SPDX-License-Identifier: Apache-2.0
"""Decides on connections before they are connections: ZeroMQ's authentication protocol (ZAP, RFC 27)."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import zmq
from zmq.auth import Authenticator

from shotstream_bridge.allow_list import AllowList
from shotstream_bridge.codec import printable
from shotstream_bridge.counters import EndpointCounters
from shotstream_bridge.rate import PeerRates
from shotstream_bridge.security import ZAP_DOMAIN

_log = logging.getLogger(__name__)
_QUIET = logging.getLogger(f"{__name__}.library")
_QUIET.setLevel(logging.WARNING)
WARNINGS_S: Final = 1.0
"""Seconds between two lines in the log about those who are refused; the counters have all of them."""


class Gatekeeper(Authenticator):
    """Lets in the keys of an allow-list, at a bounded rate for each address.

    Driven by the endpoint's own thread: when :attr:`zap_socket` is readable, :meth:`answer` is due.

    Args:
        context: The context of the socket to guard.
        allowed: Who is let in; read again before every decision, if it has changed.
        connections_per_s: Handshakes a second that one address may make.
        counters: What is refused is counted here.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        allowed: AllowList,
        connections_per_s: float,
        counters: EndpointCounters,
    ) -> None:
        super().__init__(context, log=_QUIET)
        self._allow_list = allowed
        self._counters = counters
        self._rates = PeerRates(connections_per_s)
        self._warned_at = -WARNINGS_S
        self._unsaid = 0
        self.configure_curve_callback(ZAP_DOMAIN, self)

    def answer(self) -> None:
        """Answers the handshakes that wait."""
        while self.zap_socket.poll(0):
            request = self.zap_socket.recv_multipart()
            coroutine = self.handle_zap_message(request)
            # The library's method is a coroutine that never waits for anything here: one step is all of it.
            try:
                coroutine.send(None)
            except StopIteration:
                continue
            coroutine.close()
            raise RuntimeError("the authenticator waits")

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Answers one handshake: by key, or over the rate with status 300, try again later.

        The library tells the peer nothing of a 300 and closes the connection when the time for handshakes is
        over, which slows a flood down.
        """
        address = msg[3].decode("utf-8", "replace") if len(msg) > 3 else ""
        if len(msg) > 3 and not self._rates.take(address, time.monotonic()):
            self._counters.rates_refused += 1
            self._warn(f"more than {self._rates.rate:g} connections a second from {printable(address)}")
            self._send_zap_reply(msg[1], b"300", b"Too many connections")
            return
        await super().handle_zap_message(msg)

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether a public key (Z85) is let in; called by the library."""
        del domain
        self._allow_list.refresh()
        known = key in self._allow_list
        if not known:
            self._counters.keys_refused += 1
            self._warn(f"a client with the unknown key {key.decode()} was refused")
        return known

    def _warn(self, what: str) -> None:
        """A line once in a while: strangers who knock all the time must not fill the disk."""
        now = time.monotonic()
        if now - self._warned_at < WARNINGS_S:
            self._unsaid += 1
            return
        more = f"; {self._unsaid} others were since the last such line" if self._unsaid else ""
        self._warned_at, self._unsaid = now, 0
        _log.warning("%s%s", what, more)
