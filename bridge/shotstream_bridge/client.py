# SPDX-License-Identifier: Apache-2.0
"""The synchronous client: for a user interface that pumps it, or a script that iterates its events."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from shotstream_bridge.client_core import DEFAULT_HEARTBEAT_S, DEFAULT_TIMEOUT_S, ClientCore, ClientState
from shotstream_bridge.dealer import DealerTransport
from shotstream_bridge.errors import (
    AuthenticationError,
    ConnectError,
    HandshakeRefusedError,
    NotConnectedError,
    RequestFailedError,
    RequestTimeoutError,
)
from shotstream_bridge.events import ClientEvent, Reply
from shotstream_bridge.fields import BeatStage, EndpointLimits, ServerInfo, ServerStateName
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.greeting import explain_mechanism
from shotstream_bridge.handles import DEFAULT_WAIT_S, StoryHandle
from shotstream_bridge.replies import BeatStatus, Error, Refused, StoryOpened
from shotstream_bridge.security import ClientSecurity
from shotstream_bridge.version import PROTOCOL_VERSIONS, __version__

# Handshakes that fail without a word: once may be a server that stops just then.
_ASK_AFTER: Final = 2


class Client:
    """A connection to a server. Belongs to one thread; :meth:`connect` makes it.

    Nothing happens in the background: the heartbeat that keeps the connection alive is sent by
    :meth:`pump`, which must be called more often than the timeout given to :meth:`connect`.
    """

    def __init__(self, address: str, core: ClientCore, security: ClientSecurity | None = None) -> None:
        self._address = address
        self._core = core
        self._events: deque[ClientEvent] = deque()
        self._closed = False
        self._secured = security is not None
        self._transport = DealerTransport(address, core, security)

    # --- life -------------------------------------------------------------------------------------------

    @classmethod
    def connect(
        cls,
        address: str,
        timeout: float = DEFAULT_WAIT_S,
        *,
        client_id: str | None = None,
        product: str = f"shotstream-python/{__version__}",
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        security: ClientSecurity | None = None,
    ) -> Client:
        """Connects and shakes hands. The server may still be loading: see :meth:`wait_until_ready`.

        Args:
            address: ``tcp://HOST:PORT``.
            timeout: Seconds for all of it.
            client_id: Names this client across connections; one is made up by default.
            product: Product and version of the program, for the server's log.
            heartbeat_s: Seconds of silence before a heartbeat is sent.
            timeout_s: Seconds of silence after which either side counts the other as dead.
            security: This client's key and the server's, for a server with keys.

        Raises:
            AuthenticationError: A key is missing, wrong or not allowed; said at once, not after ``timeout``.
            HandshakeRefusedError: The server refused; both sides' versions are in it.
            ConnectError: Nobody answered, or what answered is no ShotStream server.
        """
        core = ClientCore(
            client_id or f"client-{uuid.uuid4().hex[:16]}",
            product=product,
            now=time.monotonic(),
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
        )
        client = cls(address, core, security)
        try:
            client._shake_hands(timeout)
        except BaseException:
            client.close()
            raise
        return client

    def _shake_hands(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        asked = False
        while self._core.state is ClientState.GREETING:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ConnectError(self._why_no_answer(timeout))
            self._exchange(left)
            unauthenticated = self._transport.unauthenticated
            if unauthenticated is None and not asked and self._transport.unexplained >= _ASK_AFTER:
                asked = True
                unauthenticated = explain_mechanism(self._address, keys=self._secured)
            if unauthenticated is not None:
                raise AuthenticationError(f"no connection to {self._address}: {unauthenticated}")
        refused = self._core.refused
        if refused is not None:
            raise HandshakeRefusedError(
                refused.code,
                f"the server at {self._address} refused the connection: {refused.reason}",
                server_versions=refused.server_versions if isinstance(refused, Refused) else (),
                client_versions=PROTOCOL_VERSIONS,
                retryable=refused.retryable,
            )
        if self._core.lost is not None:
            raise ConnectError(
                f"what listens at {self._address} cannot be used: {self._core.lost.reason}; "
                "is it a ShotStream server?"
            )

    def _why_no_answer(self, timeout: float) -> str:
        if self._transport.handshaken:
            return (
                f"what listens at {self._address} did not answer hello within {timeout:g} s; "
                "is it a ShotStream server, and is it busy?"
            )
        if self._transport.unexplained:
            return f"what listens at {self._address} does not speak ZeroMQ; is it a ShotStream server?"
        return (
            f"no server answers at {self._address} within {timeout:g} s; "
            "start one with `shotstream serve`, or check the address"
        )

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._core.state is ClientState.OPEN

    @property
    def core(self) -> ClientCore:
        """The protocol's state, for handles."""
        return self._core

    @property
    def client_id(self) -> str:
        """This client's name."""
        return self._core.client_id

    @property
    def server(self) -> ServerInfo:
        """What the server told of itself; its state is kept up to date by :meth:`pump`."""
        return self._core.server

    @property
    def version(self) -> int:
        """The protocol version in use."""
        return self._core.version

    @property
    def limits(self) -> EndpointLimits:
        """What the server allows on a connection."""
        return self._core.limits

    def close(self) -> None:
        """Says goodbye and closes; takes a fifth of a second at most. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._core.leave()
        self._transport.send()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- events -----------------------------------------------------------------------------------------

    def pump(self, timeout: float = 0.0) -> list[ClientEvent]:
        """Sends and receives; returns what has happened since the last call.

        Frames count as consumed once they are returned, and their credits are granted again.

        Args:
            timeout: Seconds to wait if nothing has happened; 0 never waits.

        Returns:
            Events in the order of their arrival. :class:`ConnectionLost` is the last one ever.
        """
        deadline = time.monotonic() + timeout
        left = timeout
        while not self._closed:
            self._exchange(max(0.0, left))
            left = deadline - time.monotonic()
            if self._events or left <= 0 or not self.connected:
                break
        events = list(self._events)
        self._events.clear()
        for event in events:
            if isinstance(event, ReceivedFrame):
                self._core.consumed(event.header.subscription)
        self.flush()
        return events

    def events(self, idle_timeout: float | None = None) -> Iterator[ClientEvent]:
        """Yields events as they happen, until the connection ends.

        Args:
            idle_timeout: Seconds without any event after which it ends as well; ``None`` for no limit.
        """
        while True:
            batch = self.pump(DEFAULT_WAIT_S if idle_timeout is None else idle_timeout)
            if not self.connected or (not batch and idle_timeout is not None):
                yield from batch
                return
            # One by one, so that a frame's memory is free again as soon as the application is done with it.
            batch.reverse()
            while batch:
                yield batch.pop()

    def wait_until_ready(self, timeout: float) -> None:
        """Waits until the server's model is loaded. Events that happen meanwhile are kept for :meth:`pump`.

        Raises:
            RequestTimeoutError: It is not ready in time.
            NotConnectedError: The connection was lost.
        """
        deadline = time.monotonic() + timeout
        while self.server.state is not ServerStateName.READY:
            left = deadline - time.monotonic()
            if left <= 0:
                detail = f" ({self.server.detail})" if self.server.detail else ""
                raise RequestTimeoutError(
                    f"the server is still {self.server.state.value}{detail} after {timeout:g} s"
                )
            self._require_connection()
            self._exchange(left)

    # --- requests ---------------------------------------------------------------------------------------

    def open_story(
        self,
        *,
        global_caption: str,
        seed: int = 0,
        title: str | None = None,
        story_id: str | None = None,
        wait: float = DEFAULT_WAIT_S,
    ) -> StoryHandle:
        """Opens a story.

        Args:
            global_caption: Who, where and in which style; up to 8,000 characters.
            seed: 0 to 2**63 - 1.
            title: For people.
            story_id: Names the story; one is made up by default.
            wait: Seconds to wait for the answer; with 0 the answer comes as an event.

        Raises:
            RequestFailedError: The server refused.
            RequestTimeoutError: No answer in time.
            NotConnectedError: The connection is lost.
            pydantic.ValidationError: An argument is outside its limits.
        """
        name = story_id or f"story-{uuid.uuid4().hex[:16]}"
        request = self._core.open_story(name, global_caption=global_caption, seed=seed, title=title)
        reply = self.settle(request, wait)
        return StoryHandle(self, name, reply if isinstance(reply, StoryOpened) else None)

    def story(self, story_id: str) -> StoryHandle:
        """A handle on a story that is open already, to watch it or to send it beats."""
        return StoryHandle(self, story_id, None)

    def flush(self) -> None:
        """Sends what waits, as far as the socket takes it."""
        self._transport.send()

    def settle(self, request: int, wait: float) -> Reply | None:
        """Sends, and waits for the reply to a request. For handles; see :class:`StoryHandle`.

        Args:
            request: The request's number.
            wait: Seconds; with 0 nothing is waited for and None is returned.
        """
        if wait <= 0:
            self.flush()
            return None
        self._core.expect(request)
        deadline = time.monotonic() + wait
        while (reply := self._core.reply(request)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self.connected:
                self._core.forget(request)
                self._require_connection()
                raise RequestTimeoutError(f"the server did not answer within {wait:g} s")
            self._exchange(left)
        refused = isinstance(reply, Error) or (
            isinstance(reply, BeatStatus) and reply.stage is BeatStage.REJECTED
        )
        if refused and isinstance(reply, Error | BeatStatus):
            raise RequestFailedError(
                reply.code or "", reply.reason or "", field=reply.field, retryable=bool(reply.retryable)
            )
        return reply

    def _exchange(self, wait: float) -> None:
        self._events.extend(self._transport.exchange(wait))

    def _require_connection(self) -> None:
        if not self.connected:
            lost = self._core.lost
            raise NotConnectedError(lost.reason if lost else "this client is closed")
