# SPDX-License-Identifier: Apache-2.0
"""The server's end of the bridge: one ROUTER socket on a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

import zmq

from shotstream_bridge.address import DEFAULT_ADDRESS, bind_failure, check_loopback
from shotstream_bridge.codec import encode, encode_frame_header
from shotstream_bridge.dispatcher import Dispatcher, Stranger
from shotstream_bridge.errors import BridgeError
from shotstream_bridge.fields import EndpointLimits
from shotstream_bridge.frames import Frame
from shotstream_bridge.messages import PublishedMessage
from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.requests import Goodbye, Heartbeat
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.wakeup import Wakeup
from shotstream_bridge.watchers import Delivery, Watchers

_log = logging.getLogger(__name__)

QUEUED_MESSAGES: Final = 1_000
"""The socket's own limit for each connection and direction; credits and outboxes bind much earlier."""
RECEIVED_PER_TURN: Final = 64
"""Messages read before frames are sent again, so that a chatty client delays nobody's frames."""
ROUNDS_PER_TURN: Final = 16
"""Frames sent to each watcher before arrivals are looked at again."""
RETRY_S: Final = 0.005
"""A ROUTER does not say when a full connection takes messages again, so it is asked this often."""
LONGEST_WAIT_S: Final = 1.0
# A plain number: an enumeration's bit operations cost more than the send they are for.
_MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)
LINGER_MS: Final = 500
DEFAULT_STOP_S: Final = 5.0


class ServerEndpoint:
    """Serves a :class:`~shotstream_bridge.service.StoryService` to clients on this host.

    Args:
        service: The host. Its methods run on the endpoint's thread.
        address: ``tcp://127.0.0.1:PORT``; port 0 picks a free one.
        limits: What each connection may do.

    Raises:
        AddressError: The address is not loopback TCP.
    """

    def __init__(
        self,
        service: StoryService,
        address: str = DEFAULT_ADDRESS,
        *,
        limits: EndpointLimits | None = None,
    ) -> None:
        self._bind_address = check_loopback(address)
        self._address = address
        self._limits = limits or EndpointLimits()
        self._watchers = Watchers()
        self._dispatcher = Dispatcher(service, self._watchers, self._limits)
        self._published: deque[PublishedMessage] = deque()
        self._wakeup = Wakeup()
        self._stop_at: float | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._blocked: dict[bytes, float] = {}
        self._awaiting_sent: list[threading.Event] = []

    @property
    def address(self) -> str:
        """Where clients connect; once started, with the port that was picked."""
        return self._address

    @property
    def limits(self) -> EndpointLimits:
        """What each connection may do."""
        return self._limits

    # --- life ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listens, and serves on a thread of its own.

        Raises:
            AddressError: The port is in use or may not be used.
            BridgeError: It was started before; an endpoint lives once.
        """
        if self._thread is not None:
            raise BridgeError("the endpoint was started before; make a new one")
        context = zmq.Context()
        socket = context.socket(zmq.ROUTER)
        try:
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            socket.setsockopt(zmq.SNDHWM, QUEUED_MESSAGES)
            socket.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES)
            socket.setsockopt(zmq.MAXMSGSIZE, self._limits.message_bytes)
            socket.setsockopt(zmq.LINGER, LINGER_MS)
            socket.setsockopt(zmq.IPV6, 1 if "[" in self._bind_address else 0)
            socket.bind(self._bind_address)
        except zmq.ZMQError as error:
            socket.close(0)
            context.term()
            raise bind_failure(self._address, error.errno or 0, str(error)) from error
        self._address = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._thread = threading.Thread(
            target=self._run, args=(context, socket), name="shotstream-endpoint", daemon=True
        )
        self._thread.start()

    def stop(self, timeout: float = DEFAULT_STOP_S) -> None:
        """Sends what waits, says goodbye to every client and closes the socket.

        Frames that wait for credits are not waited for, nor a ``story_closed`` behind them: close the stories
        and call :meth:`wait_sent` first. Afterwards publishing has no effect and nobody waits in
        :meth:`wait_wants_frames`.

        Args:
            timeout: Seconds for sending what waits.

        Raises:
            BridgeError: The thread did not end in time.
        """
        if self._thread is None or not self._thread.is_alive():
            return
        self._stop_at = time.monotonic() + timeout
        self._wakeup.set()
        self._thread.join(timeout + 2 * LINGER_MS / 1000 + LONGEST_WAIT_S)
        if self._thread.is_alive():
            raise BridgeError("the endpoint's thread does not end; a method of the service is holding it")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- publishing, from any thread ------------------------------------------------------------------

    def publish_frame(self, frame: Frame) -> None:
        """Hands a frame to everyone who watches its story. Thread-safe; never blocks.

        Raises:
            BacklogOverflowError: The host went on although :meth:`wants_frames` was False.
            BridgeError: The endpoint's thread has failed.
        """
        self._check_failure()
        if self._watchers.offer(SharedPayloads(frame)):
            self._wakeup.set()

    def publish(self, message: PublishedMessage) -> None:
        """Sends a message to the owner and the watchers of its story, or to all clients if it names none.

        Thread-safe; never blocks. ``story_closed`` reaches a watcher after the last of its frames.

        Raises:
            BridgeError: The endpoint's thread has failed.
        """
        self._check_failure()
        if self._thread is not None and not self._thread.is_alive():
            return
        self._published.append(message)
        self._wakeup.set()

    def wants_frames(self, story_id: str) -> bool:
        """Whether generation of a story may go on: False while an ``every`` watcher's backlog is full."""
        return self._watchers.wants_frames(story_id)

    def wait_wants_frames(self, story_id: str, timeout: float | None = None) -> bool:
        """Waits until :meth:`wants_frames`.

        Args:
            story_id: The story.
            timeout: Seconds; ``None`` for no limit.

        Returns:
            False when the time is over.
        """
        return self._watchers.wait_wants_frames(story_id, timeout)

    def wait_sent(self, timeout: float) -> bool:
        """Waits until everything that can be sent is with the socket.

        Thread-safe; not for methods of the service, which run on the thread that sends.

        That is all that was published: messages, frames as far as credits are granted, and every
        ``story_closed``, which a client that grants no credits holds up until the time is over. Frames of an
        open story that wait for credits are not waited for.

        Args:
            timeout: Seconds.

        Returns:
            False when the time is over, or the endpoint does not run.
        """
        if self._thread is None or not self._thread.is_alive():
            return False
        sent = threading.Event()
        self._awaiting_sent.append(sent)
        self._wakeup.set()
        try:
            return sent.wait(timeout)
        finally:
            self._awaiting_sent.remove(sent)

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise BridgeError("the endpoint's thread has failed; see its log") from self._failure

    # --- the endpoint's thread --------------------------------------------------------------------------

    def _run(self, context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes]) -> None:
        try:
            poller = zmq.Poller()
            poller.register(socket, zmq.POLLIN)
            poller.register(self._wakeup.reader, zmq.POLLIN)
            while self._stop_at is None:
                self._turn(socket, poller)
            self._farewell(socket)
        except BaseException as error:
            self._failure = error
            _log.critical("the endpoint's thread has failed", exc_info=error)
            raise
        finally:
            self._watchers.close()
            socket.close()
            context.term()
            self._wakeup.close()

    def _turn(self, socket: zmq.Socket[bytes], poller: zmq.Poller) -> None:
        ready = dict(poller.poll(self._wait_ms()))
        if self._wakeup.reader.fileno() in ready:
            self._wakeup.clear()
        all_heard = self._receive(socket) if socket in ready else True
        self._route_published()
        now = time.monotonic()
        self._unblock(now)
        self._flush(socket, now)
        self._send_frames(socket, now)
        # A story's last frame releases its story_closed.
        self._flush(socket, now)
        # Signs of life may still wait in the socket, after a slow call into the service for instance.
        if all_heard:
            self._keep_alive(socket, now)
        if self._awaiting_sent and self._all_sent():
            for sent in list(self._awaiting_sent):
                sent.set()

    def _all_sent(self) -> bool:
        sessions = self._dispatcher.sessions.values()
        return not (
            self._published
            or any(session.outbox or session.held for session in sessions)
            or self._watchers.any_ready(blocked=())
        )

    def _wait_ms(self) -> int:
        if self._watchers.any_ready(self._blocked):
            return 0
        now = time.monotonic()
        until = now + LONGEST_WAIT_S
        for session in self._dispatcher.sessions.values():
            until = min(until, session.heartbeat_at(), session.dead_at())
        until = min(until, *self._blocked.values(), until)
        return max(0, int((until - now) * 1000) + 1)

    def _receive(self, socket: zmq.Socket[bytes]) -> bool:
        """Reads what has arrived, up to a turn's worth; returns whether that was all."""
        for _ in range(RECEIVED_PER_TURN):
            try:
                routing_id, *parts = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return True
            self._answer(socket, self._dispatcher.receive(routing_id, parts, time.monotonic()))
        return False

    def _answer(self, socket: zmq.Socket[bytes], answers: list[Stranger]) -> None:
        for routing_id, message in answers:
            # Nothing is kept for those without a session: a stranger that does not read gets no answer.
            with contextlib.suppress(zmq.ZMQError):
                socket.send_multipart([routing_id, encode(message)], zmq.NOBLOCK)

    def _route_published(self) -> None:
        while self._published:
            self._dispatcher.publish(self._published.popleft())

    def _unblock(self, now: float) -> None:
        for routing_id in [r for r, until in self._blocked.items() if until <= now]:
            del self._blocked[routing_id]

    def _flush(self, socket: zmq.Socket[bytes], now: float) -> None:
        for session in list(self._dispatcher.sessions.values()):
            if session.routing_id in self._blocked:
                if len(session.outbox) > self._limits.outbox_messages:
                    self._dispatcher.drop(session, f"it does not read: {len(session.outbox)} messages wait")
                continue
            while session.outbox:
                if not self._send(socket, session, session.outbox[0], now):
                    break
                session.outbox.popleft()

    def _send_frames(self, socket: zmq.Socket[bytes], now: float) -> None:
        for _ in range(ROUNDS_PER_TURN):
            sent = False
            for delivery in self._watchers.due(self._blocked):
                self._send_frame(socket, delivery, now)
                sent = True
            if not sent:
                return

    def _send_frame(self, socket: zmq.Socket[bytes], delivery: Delivery, now: float) -> None:
        watcher = delivery.watcher
        session = self._dispatcher.sessions.get(watcher.key[0])
        if session is None:
            return
        layout = (watcher.pixel_format, watcher.quality)
        checksum = delivery.payloads.checksum(*layout) if watcher.checksum else None
        header = encode_frame_header(
            delivery.payloads.frame,
            subscription=watcher.key[1],
            skipped=delivery.skipped,
            pixel_format=watcher.pixel_format,
            checksum=checksum,
        )
        parts: list[bytes | zmq.Frame] = [header, delivery.payloads.part(*layout)]
        if not self._send(socket, session, parts, now):
            # Its credit is spent: it leaves first when the connection takes messages again.
            session.outbox.append(parts)
        if session.held:
            self._dispatcher.release_held(session)

    def _keep_alive(self, socket: zmq.Socket[bytes], now: float) -> None:
        for session in list(self._dispatcher.sessions.values()):
            if now >= session.dead_at():
                why = f"nothing was heard for {session.timeout_s:g} s"
                self._answer(socket, [(session.routing_id, Goodbye(reason=why))])
                self._dispatcher.drop(session, why)
            elif now >= session.heartbeat_at() and session.routing_id not in self._blocked:
                self._send(socket, session, [encode(Heartbeat())], now)

    def _farewell(self, socket: zmq.Socket[bytes]) -> None:
        """Sends what can be sent before the time to stop is over, and a goodbye to everyone."""
        self._route_published()
        self._flush(socket, time.monotonic())
        self._send_frames(socket, time.monotonic())
        for session in self._dispatcher.sessions.values():
            session.post(Goodbye(reason="the server is stopping"))
        while (now := time.monotonic()) < (self._stop_at or now):
            self._unblock(now)
            self._flush(socket, now)
            if not any(session.outbox for session in self._dispatcher.sessions.values()):
                return
            time.sleep(RETRY_S)

    def _send(
        self, socket: zmq.Socket[bytes], session: Session, parts: list[bytes | zmq.Frame], now: float
    ) -> bool:
        *leading, last = (session.routing_id, *parts)
        try:
            # Every part but the payload is small: copying those is cheaper than tracking them.
            for part in leading:
                socket.send(part, _MORE)
            socket.send(last, zmq.NOBLOCK, copy=isinstance(last, bytes))
        except zmq.Again:
            self._blocked[session.routing_id] = now + RETRY_S
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._dispatcher.drop(session, "the connection is closed")
            return False
        session.sent_at = now
        return True
