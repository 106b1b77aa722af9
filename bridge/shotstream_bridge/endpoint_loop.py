# SPDX-License-Identifier: Apache-2.0
"""The endpoint's thread: moves messages between one ROUTER socket and the dispatcher."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any, Final

import zmq

from shotstream_bridge.arrival import Arrival, TcpConnection
from shotstream_bridge.catching_up import CatchingUp
from shotstream_bridge.codec import encode
from shotstream_bridge.dispatcher import Dispatcher
from shotstream_bridge.doorkeeper import HELLO_S, Doorkeeper
from shotstream_bridge.fields import EndpointLimits, NoticeLevel, Quotas
from shotstream_bridge.frame_sender import FrameSender
from shotstream_bridge.gatekeeper import Gatekeeper
from shotstream_bridge.messages import PublishedMessage
from shotstream_bridge.payload import Encoder
from shotstream_bridge.replies import Notice
from shotstream_bridge.requests import Goodbye, Heartbeat
from shotstream_bridge.security import ServerSecurity
from shotstream_bridge.sender import RETRY_S, Sender
from shotstream_bridge.service import KnownStory, StoryService
from shotstream_bridge.wakeup import Wakeup
from shotstream_bridge.watchers import Watchers

_log = logging.getLogger(__name__)

RECEIVED_PER_TURN: Final = 64
"""Messages read before frames are sent again, so that a chatty client delays nobody's frames."""
LONGEST_WAIT_S: Final = 1.0
ALLOW_LIST_S: Final = 0.5
"""How often the allow-list is looked at, so that a revoked client is out within a second."""
CUT_AFTER_S: Final = 0.1
"""How long a goodbye has to leave before its connection is closed."""
LINGER_MS: Final = 500
LONGEST_NOTICE: Final = 4_000
"""Characters."""


class EndpointLoop:
    """What the endpoint's thread does. :meth:`run` is that thread; the rest is for the others.

    Args:
        service: The host.
        watchers: All subscriptions.
        limits: What each connection may do.
        quotas: What all of them may do together.
        security: The server's key and its clients; None on loopback.
        alone_s: Seconds without its owner and without watchers after which a story may be suspended.

    Attributes:
        failure: What ended the thread, if it did not end by itself.
        counters: What happened since.
    """

    def __init__(
        self,
        service: StoryService,
        watchers: Watchers,
        limits: EndpointLimits,
        quotas: Quotas,
        security: ServerSecurity | None,
        alone_s: float,
    ) -> None:
        self._watchers = watchers
        self._limits = limits
        self._quotas = quotas
        self._security = security
        self._wakeup = Wakeup()
        self._dispatcher = Dispatcher(
            service,
            watchers,
            limits,
            quotas,
            None if security is None else security.allowed,
            alone_s=alone_s,
            wake=self._wakeup.set,
        )
        self._sessions = self._dispatcher.sessions
        self.counters = self._dispatcher.counters
        self._published: deque[PublishedMessage | KnownStory] = deque()
        self._catching_up = CatchingUp(watchers, service.read_frames, self._wakeup.set)
        self._stop_at: float | None = None
        self._encoder = Encoder(self._wakeup.set)
        self._awaiting_sent: list[threading.Event] = []
        self._cuts: deque[tuple[float, TcpConnection]] = deque()
        self._list_due = 0.0
        self._gatekeeper: Gatekeeper | None = None
        self._context: zmq.Context[Any]
        self._socket: zmq.Socket[Any]
        self._doorkeeper: Doorkeeper
        self._sender: Sender
        self._frames: FrameSender
        self.failure: BaseException | None = None

    # --- from any thread ------------------------------------------------------------------------------

    @property
    def clients(self) -> int:
        """Clients connected or kept a place."""
        return len(self._sessions)

    def wake(self) -> None:
        """There is something to do."""
        self._wakeup.set()

    def publish(self, message: PublishedMessage | KnownStory) -> None:
        """Has a message sent, or a story taken in that the host has from before."""
        self._published.append(message)
        self._wakeup.set()

    def stop_at(self, moment: float) -> None:
        """Has the thread say goodbye and end, at the latest at a moment of the monotonic clock."""
        self._stop_at = moment
        self._wakeup.set()

    def wait_sent(self, timeout: float) -> bool:
        """Waits until everything that can be sent is with the socket."""
        sent = threading.Event()
        self._awaiting_sent.append(sent)
        self._wakeup.set()
        try:
            return sent.wait(timeout)
        finally:
            self._awaiting_sent.remove(sent)

    # --- life -----------------------------------------------------------------------------------------

    def open(self, context: zmq.Context[Any], socket: zmq.Socket[Any]) -> None:
        """Takes a socket over, before it is bound: whoever knocks first must find the gatekeeper there."""
        self._context, self._socket = context, socket
        self._doorkeeper = Doorkeeper(socket, HELLO_S)
        self._sender = Sender(socket, self._sessions, self._limits.outbox_messages)
        self._frames = FrameSender(self._dispatcher, self._watchers, self._sender, self._encoder)
        if self._security is not None:
            self._gatekeeper = Gatekeeper(
                context, self._security.allowed, self._quotas.connections_per_s, self.counters
            )
            self._gatekeeper.start()

    def close(self) -> None:
        """Closes the sockets."""
        self._doorkeeper.close()
        self._socket.close(0)
        if self._gatekeeper is not None:
            self._gatekeeper.stop()
        self._context.term()

    def run(self) -> None:
        """The thread."""
        socket = self._socket
        self._watchers.rings.sweep()
        try:
            poller = zmq.Poller()
            poller.register(socket, zmq.POLLIN)
            poller.register(self._wakeup.reader, zmq.POLLIN)
            poller.register(self._doorkeeper.monitor, zmq.POLLIN)
            if self._gatekeeper is not None:
                poller.register(self._gatekeeper.zap_socket, zmq.POLLIN)
            while self._stop_at is None:
                self._turn(socket, poller)
            self._farewell()
        except BaseException as error:
            self.failure = error
            _log.critical("the endpoint's thread has failed", exc_info=error)
            raise
        finally:
            self._watchers.close()
            self._encoder.close()
            self._catching_up.close()
            self._doorkeeper.close()
            socket.close()
            if self._gatekeeper is not None:
                self._gatekeeper.stop()
            self._context.term()
            self._wakeup.close()

    def _turn(self, socket: zmq.Socket[bytes], poller: zmq.Poller) -> None:
        ready = dict(poller.poll(self._wait_ms()))
        if self._wakeup.reader.fileno() in ready:
            self._wakeup.clear()
        if self._gatekeeper is not None and self._gatekeeper.zap_socket in ready:
            self._gatekeeper.answer()
        all_heard = self._receive(socket) if socket in ready else True
        self._route_published()
        self._dispatcher.settle()
        now = self.counters.turned_at = time.monotonic()
        self._refresh_allow_list(now)
        self._dispatcher.expire(now)
        self._sender.say_farewells()
        self._close_connections(now)
        self._catch_up()
        self._sender.flush(now)
        self._frames.send_due(now)
        # What is to be sent next is read meanwhile.
        self._catch_up()
        # A story's last frame releases its story_closed.
        self._sender.flush(now)
        # Signs of life may still wait in the socket, after a slow call into the service for instance.
        if all_heard:
            self._keep_alive(now)
            self._sender.say_farewells()
        if self._awaiting_sent and self._all_sent():
            for sent in list(self._awaiting_sent):
                sent.set()

    def _catch_up(self) -> None:
        for watcher, damage in self._catching_up.advance():
            session = self._sessions.at(watcher.key[0])
            if session is None:
                continue
            if damage is not None:
                text = f"frames of the journal are left out: {damage}"[:LONGEST_NOTICE]
                level = NoticeLevel.WARNING
                session.post(Notice(story_id=watcher.story_id, level=level, code="frames_damaged", text=text))
            if session.held:
                self._dispatcher.release_held(session)

    def _all_sent(self) -> bool:
        sessions = self._sessions
        return not (
            self._published
            or any(session.outbox or session.held for session in sessions)
            or not self._frames.idle
            or self._watchers.any_ready((), lambda _: False)
        )

    def _wait_ms(self) -> int:
        if self._frames.is_ready():
            return 0
        now = time.monotonic()
        until = now + LONGEST_WAIT_S
        for session in self._sessions:
            until = min(until, session.heartbeat_at(), session.dead_at())
        until = min(until, *self._sender.blocked.values(), until)
        if self._security is not None:
            until = min(until, self._list_due)
        expiry = self._dispatcher.next_to_expire()
        if expiry is not None:
            until = min(until, expiry)
        if self._cuts:
            until = min(until, self._cuts[0][0])
        return max(0, int((until - now) * 1000) + 1)

    def _receive(self, socket: zmq.Socket[bytes]) -> bool:
        """Reads what has arrived, up to a turn's worth; returns whether that was all."""
        for _ in range(RECEIVED_PER_TURN):
            try:
                arrival = Arrival.receive(socket, time.monotonic())
            except zmq.Again:
                return True
            self._dispatcher.receive(arrival)
            self._sender.say_farewells()
        return False

    def _refresh_allow_list(self, now: float) -> None:
        if self._security is None or now < self._list_due:
            return
        self._list_due = now + ALLOW_LIST_S
        self._security.allowed.refresh()
        # The gatekeeper may have read the new list first, so that the answer above is not the question.
        self._dispatcher.reception.drop_revoked()

    def _close_connections(self, now: float) -> None:
        self._doorkeeper.look(now)
        # Where the system does not tell which connection is whose, none is known to be nobody's.
        if all(session.connection is not None for session in self._sessions):
            claimed = {session.connection.number for session in self._sessions if session.connection}
            self._sessions.to_cut += self._doorkeeper.overdue(claimed, now)
        self._cuts.extend((now + CUT_AFTER_S, connection) for connection in self._sessions.to_cut)
        self._sessions.to_cut.clear()
        while self._cuts and self._cuts[0][0] <= now:
            self._cuts.popleft()[1].cut()

    def _route_published(self) -> None:
        while self._published:
            self._dispatcher.publish(self._published.popleft())

    def _keep_alive(self, now: float) -> None:
        for session in self._sessions:
            if now >= session.dead_at():
                why = f"nothing was heard for {session.timeout_s:g} s"
                self._sessions.lose(session, why, now, tell=True)
            elif now >= session.heartbeat_at() and session.routing_id not in self._sender.blocked:
                self._sender.send(session, [encode(Heartbeat())], now)

    def _farewell(self) -> None:
        """Sends what can be sent before the time to stop is over, and a goodbye to everyone."""
        self._route_published()
        self._sender.flush(time.monotonic())
        self._frames.send_due(time.monotonic())
        while not self._frames.idle and time.monotonic() < (self._stop_at or 0.0):
            time.sleep(RETRY_S)
            self._frames.send_due(time.monotonic())
        for session in self._sessions:
            comes_back = self._dispatcher.comes_back(session)
            session.post(Goodbye(reason="the server is stopping", resume=True if comes_back else None))
        while (now := time.monotonic()) < (self._stop_at or now):
            self._sender.flush(now)
            if not any(session.outbox for session in self._sessions):
                return
            time.sleep(RETRY_S)
