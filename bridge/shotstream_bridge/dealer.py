# SPDX-License-Identifier: Apache-2.0
"""The clients' transport: one DEALER socket and its monitor, driven by whoever calls."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any, Final

import zmq
import zmq.utils.monitor

from shotstream_bridge.client_core import ClientCore
from shotstream_bridge.client_requests import ClientState
from shotstream_bridge.errors import ConnectError
from shotstream_bridge.events import ClientEvent
from shotstream_bridge.frames import MAX_FRAME_BYTES
from shotstream_bridge.greeting import NOT_ALLOWED, SERVER_DEMANDS_KEYS, SERVER_WITHOUT_KEYS
from shotstream_bridge.security import CLIENT_HANDSHAKE_MS, ClientSecurity
from shotstream_bridge.wakeup import Wakeup

QUEUED_MESSAGES: Final = 1_000
"""The socket's own limit for each direction; credits bind much earlier."""
RECEIVED_PER_EXCHANGE: Final = 256
"""Messages read at once, so that a user interface stays responsive behind a long pause."""
LINGER_MS: Final = 200
_ANSWER_S: Final = 0.9 * CLIENT_HANDSHAKE_MS / 1000
"""A handshake that fails earlier was ended by the peer."""
_RECONNECT_FIRST_MS: Final = 50
_RECONNECT_LONGEST_MS: Final = 2_000
_ADDRESS: Final = re.compile(r"tcp://(\[[^\]]+\]|[^:/\[\]\s]+):\d{1,5}")
# Plain numbers: an enumeration's bit operations cost more than the poll they are for.
_NOBLOCK: Final = int(zmq.NOBLOCK)
_IN: Final = int(zmq.POLLIN)
_IN_OR_OUT: Final = int(zmq.POLLIN | zmq.POLLOUT)
_HANDSHAKE_FAILED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_MONITORED: Final = (
    zmq.EVENT_CONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | _HANDSHAKE_FAILED
)


class DealerTransport:
    """Moves a client's messages over a DEALER socket, and over another one when the connection is lost.

    :meth:`exchange` does everything; :meth:`wait` and :meth:`work` are its halves, of which the first may run
    on another thread as long as nothing else does meanwhile, except :meth:`wake`.

    Args:
        address: ``tcp://HOST:PORT``.
        core: The protocol's state, which says what to send and takes what arrives.
        security: This client's key and the server's, for a server with keys.

    Raises:
        ConnectError: The address is none.

    Attributes:
        handshaken: Whether a ZeroMQ peer was reached at any time.
        unexplained: How many handshakes in a row failed without telling why: over keys, or what was reached
            does not speak ZeroMQ.
        unanswered: Whether one of them was left without an answer until its time was over, as a server does
            with an address that makes too many connections.
        unauthenticated: Why the connection failed over keys, if it did.
    """

    def __init__(self, address: str, core: ClientCore, security: ClientSecurity | None = None) -> None:
        self._core = core
        self._security = security
        self._address = address
        if not _ADDRESS.fullmatch(address) or not 0 < int(address.rpartition(":")[2]) < 65_536:
            raise ConnectError(f"{address!r} is no address; use tcp://HOST:PORT")
        self._closed = False
        self._polled_for = 0
        self._ready: dict[Any, int] = {}
        self.handshaken = False
        self.unexplained = 0
        self.unanswered = False
        self._connected_at = 0.0
        self.unauthenticated: str | None = None
        self._context = zmq.Context()
        self._wakeup = Wakeup()
        self._poller = zmq.Poller()
        self._poller.register(self._wakeup.reader, zmq.POLLIN)
        self._socket: zmq.Socket[bytes]
        self._monitor: zmq.Socket[bytes]
        self._open()
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise ConnectError(f"{address!r} is no address; use tcp://HOST:PORT ({error})") from error

    def exchange(self, wait: float) -> list[ClientEvent]:
        """Sends, waits up to ``wait`` seconds for something to happen, and takes in what has."""
        self.send()
        self.wait(wait)
        return self.work()

    def wait(self, seconds: float) -> None:
        """Waits until something happens, :meth:`wake` is called or the protocol has something to do."""
        seconds = max(0.0, min(seconds, self._core.seconds_to_tick(time.monotonic())))
        # What could not be sent leaves when the socket takes it; otherwise it would always be ready for that.
        self._poll_for(_IN_OR_OUT if self._core.outgoing else _IN)
        self._ready = dict(self._poller.poll(int(seconds * 1000 + 0.999)))

    def wake(self) -> None:
        """Ends a :meth:`wait`. Thread-safe."""
        self._wakeup.set()

    def work(self) -> list[ClientEvent]:
        """Takes in what has happened, and sends what there is to send. Never waits."""
        ready, self._ready = self._ready, {}
        self._wakeup.clear()
        events: list[ClientEvent] = []
        # Asking a socket again whether there is something costs a system call each.
        if ready.get(self._socket, 0) & _IN:
            self._receive(events, known=True)
        if self._monitor in ready:
            self._watch_connection(events)
        events += self._core.tick(time.monotonic())
        if self._core.wants_connection(time.monotonic()):
            self._connect_anew()
        self.send()
        return events

    def send(self) -> None:
        """Sends what waits, as far as the socket takes it."""
        outgoing = self._core.outgoing
        while outgoing and not self._closed:
            try:
                self._socket.send(outgoing[0], zmq.NOBLOCK)
            except zmq.Again:
                return
            outgoing.popleft()
            self._core.sent(time.monotonic())

    def close(self) -> None:
        """Closes the socket; what was sent gets a fifth of a second to leave. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._close_socket(LINGER_MS)
        self._context.term()
        self._wakeup.close()

    def _open(self) -> None:
        self._socket = self._context.socket(zmq.DEALER)
        # From the start: what a lost connection did not take lingers by what holds when it is let go of, and
        # without a limit it would hold up the end of the context for ever.
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.SNDHWM, QUEUED_MESSAGES)
        self._socket.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        # ZMQ_IMMEDIATE stays off: with it, a closed connection takes along what has arrived and was not
        # read yet, the server's goodbye above all. Hello is sent once a connection stands: nothing queues.
        self._socket.setsockopt(zmq.IPV6, 1 if "[" in self._address else 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_FIRST_MS)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, _RECONNECT_LONGEST_MS)
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, CLIENT_HANDSHAKE_MS)
        if self._security is not None:
            self._security.apply(self._socket)
        self._monitor = self._socket.get_monitor_socket(_MONITORED)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._poller.register(self._socket, zmq.POLLIN)
        self._polled_for = _IN

    def _close_socket(self, linger_ms: int) -> None:
        for socket in (self._socket, self._monitor):
            with contextlib.suppress(KeyError):
                self._poller.unregister(socket)
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(linger_ms)

    def _connect_anew(self) -> None:
        # A new socket: what waited in the old one belongs to a connection that is no more.
        self._close_socket(0)
        self._open()
        self._socket.connect(self._address)

    def _poll_for(self, flags: int) -> None:
        if flags != self._polled_for:
            self._polled_for = flags
            self._poller.register(self._socket, flags)

    def _receive(self, events: list[ClientEvent], *, known: bool = False) -> bool:
        """Reads what has arrived, up to a limit; returns whether that was all.

        Args:
            events: Takes what the application should know.
            known: Whether something is known to have arrived.
        """
        socket = self._socket
        for _ in range(RECEIVED_PER_EXCHANGE):
            # By hand: recv_multipart takes ten times as long, and so does an exception at the end.
            if not (known or int(socket.getsockopt(zmq.EVENTS)) & _IN):
                return True
            known = False
            part = socket.recv(_NOBLOCK, copy=False)
            parts = [part.buffer]
            while part.more:
                part = socket.recv(_NOBLOCK, copy=False)
                parts.append(part.buffer)
            events += self._core.receive(parts, time.monotonic())
        return False

    def _watch_connection(self, events: list[ClientEvent]) -> None:
        while int(self._monitor.getsockopt(zmq.EVENTS)) & _IN:
            message = zmq.utils.monitor.recv_monitor_message(self._monitor, zmq.NOBLOCK)
            event = message["event"]
            if event == zmq.EVENT_CONNECTED:
                self._connected_at = time.monotonic()
            elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.handshaken = True
                if self._core.state in (ClientState.GREETING, ClientState.LOST):
                    self._core.greet()
            elif event == zmq.EVENT_DISCONNECTED:
                self._disconnected(events)
            else:
                self._handshake_failed(event, message["value"], events)

    def _handshake_failed(self, event: int, value: int, events: list[ClientEvent]) -> None:
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self.unauthenticated = NOT_ALLOWED
        elif value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            self.unauthenticated = SERVER_DEMANDS_KEYS if self._security is None else SERVER_WITHOUT_KEYS
        elif time.monotonic() - self._connected_at < _ANSWER_S:
            self.unexplained += 1
        else:
            # Silence is no verdict on a key.
            self.unexplained, self.unanswered = 0, True
        # At first whoever connects is told; later, that there is no coming back.
        if self.unauthenticated is not None and self._core.state is ClientState.LOST:
            events += self._core.connection_lost(self.unauthenticated, time.monotonic(), final=True)

    def _disconnected(self, events: list[ClientEvent]) -> None:
        if self._core.state not in (ClientState.OPEN, ClientState.LOST):
            return
        # What the server sent before it went, its goodbye for instance, still waits in the socket.
        while not self._receive(events):
            pass
        events += self._core.connection_lost("the server closed the connection, or died", time.monotonic())
        # The library would try again behind the client's back.
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disconnect(self._address)
