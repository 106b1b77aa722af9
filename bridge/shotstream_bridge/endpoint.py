# SPDX-License-Identifier: Apache-2.0
"""The server's end of the bridge, as a host sees it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Final, Self

import zmq

from shotstream_bridge.address import DEFAULT_ADDRESS, bind_failure, check_bind
from shotstream_bridge.counters import EndpointCounters
from shotstream_bridge.dispatcher import DEFAULT_ALONE_S
from shotstream_bridge.endpoint_loop import LINGER_MS, LONGEST_WAIT_S, EndpointLoop
from shotstream_bridge.errors import BridgeError
from shotstream_bridge.fields import EndpointLimits, Quotas
from shotstream_bridge.frames import Frame
from shotstream_bridge.messages import PublishedMessage
from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.security import HANDSHAKE_MS, ServerSecurity
from shotstream_bridge.service import KnownStory, StoryService
from shotstream_bridge.watchers import Watchers

QUEUED_MESSAGES: Final = 1_000
"""The socket's own limit for each connection and direction; credits and outboxes bind much earlier."""
DEFAULT_STOP_S: Final = 5.0
HELD_UP_S: Final = 15.0
"""A thread that has not gone round for so long is stuck; it waits for a second at most, and a slow disk may
hold it up for some more."""


class ServerEndpoint:
    """Serves a :class:`~shotstream_bridge.service.StoryService` to clients.

    Args:
        service: The host. Its methods run on the endpoint's thread.
        address: ``tcp://HOST:PORT``; port 0 picks a free one. Without ``security`` loopback only.
        limits: What each connection may do.
        quotas: What all of them may do together, and how fast.
        security: The server's key and the clients it lets in.
        alone_s: Seconds without its owner and without watchers after which the host may suspend a story.

    Raises:
        AddressError: The address is none, or not loopback and there is no ``security``.
    """

    def __init__(
        self,
        service: StoryService,
        address: str = DEFAULT_ADDRESS,
        *,
        limits: EndpointLimits | None = None,
        quotas: Quotas | None = None,
        security: ServerSecurity | None = None,
        alone_s: float = DEFAULT_ALONE_S,
    ) -> None:
        self._bind_address = check_bind(address, secured=security is not None)
        self._address = address
        self._limits = limits or EndpointLimits()
        self._security = security
        agreed = quotas or Quotas()
        self._watchers = Watchers(agreed.kept_bytes, agreed.memory_bytes)
        self._loop = EndpointLoop(service, self._watchers, self._limits, agreed, security, alone_s)
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where clients connect; once started, with the port that was picked."""
        return self._address

    @property
    def limits(self) -> EndpointLimits:
        """What each connection may do."""
        return self._limits

    @property
    def counters(self) -> EndpointCounters:
        """What has happened since the endpoint was made."""
        return self._loop.counters

    @property
    def clients(self) -> int:
        """Clients connected or kept a place."""
        return self._loop.clients

    @property
    def watchers(self) -> Watchers:
        """All subscriptions."""
        return self._watchers

    @property
    def turning(self) -> bool:
        """Whether its thread runs and has gone round a moment ago; a method of the service may hold it up."""
        alive = self._thread is not None and self._thread.is_alive() and self._loop.failure is None
        return alive and time.monotonic() - self._loop.counters.turned_at < HELD_UP_S

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
            self._configure(socket)
            self._loop.open(context, socket)
            socket.bind(self._bind_address)
        except zmq.ZMQError as error:
            self._loop.close()
            raise bind_failure(self._address, error.errno or 0, str(error)) from error
        self._address = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._thread = threading.Thread(target=self._loop.run, name="shotstream-endpoint", daemon=True)
        self._thread.start()

    def _configure(self, socket: zmq.Socket[Any]) -> None:
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.SNDHWM, QUEUED_MESSAGES)
        socket.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES)
        socket.setsockopt(zmq.MAXMSGSIZE, self._limits.message_bytes)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.IPV6, 1 if "[" in self._bind_address else 0)
        if self._security is not None:
            self._security.apply(socket)

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
        self._loop.stop_at(time.monotonic() + timeout)
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
            self._loop.wake()

    def publish(self, message: PublishedMessage) -> None:
        """Sends a message to the owner and the watchers of its story, or to all clients if it names none.

        Thread-safe; never blocks. ``story_closed`` reaches a watcher after the last of its frames.

        Raises:
            BridgeError: The endpoint's thread has failed.
        """
        self._check_failure()
        if self._thread is not None and not self._thread.is_alive():
            return
        self._loop.publish(message)

    def adopt(self, known: KnownStory) -> None:
        """Takes in a story that the host has from before. Thread-safe; before anything of it is published."""
        self._check_failure()
        self._watchers.begin(known.story_id, known.frames)
        self._loop.publish(known)

    def archives(self, story_id: str) -> None:
        """The host will archive a new story's frames; said before it has one. Thread-safe."""
        self._watchers.begin(story_id, 0)

    def archived(self, story_id: str, frames: int) -> None:
        """So many frames of a story can be had with :meth:`StoryService.read_frames`. Thread-safe.

        Those after them are kept in memory until they can be, so that none is ever out of reach.
        """
        self._watchers.archive(story_id, frames)

    def forget_frames(self, story_id: str) -> None:
        """Drops the frames kept of a story that has been suspended. Thread-safe."""
        self._watchers.forget_frames(story_id)

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
        return self._loop.wait_sent(timeout)

    def _check_failure(self) -> None:
        if self._loop.failure is not None:
            raise BridgeError("the endpoint's thread has failed; see its log") from self._loop.failure
