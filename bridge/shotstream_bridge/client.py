# SPDX-License-Identifier: Apache-2.0
"""The synchronous client: for a user interface that pumps it, or a script that iterates its events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from shotstream_bridge.client_base import DEFAULT_PRODUCT, DEFAULT_RECONNECT_S, ClientBase
from shotstream_bridge.client_core import DEFAULT_HEARTBEAT_S, DEFAULT_TIMEOUT_S
from shotstream_bridge.events import ClientEvent, Reply
from shotstream_bridge.greeting import MechanismQuestion, why_mechanism
from shotstream_bridge.handles import StoryHandle
from shotstream_bridge.replies import Status, StoryOpened
from shotstream_bridge.security import ClientSecurity
from shotstream_bridge.story_requests import DEFAULT_WAIT_S, new_story_id

_LEAST_WAIT_S: Final = 0.001


class Client(ClientBase):
    """A connection to a server. Belongs to one thread; :meth:`connect` or :meth:`begin` makes it.

    Nothing happens in the background: the heartbeat that keeps the connection alive is sent by
    :meth:`pump`, which must be called more often than the timeout given to :meth:`connect`.
    """

    _greet_until = 0.0
    _patience = 0.0
    _question: MechanismQuestion | None = None

    # --- life -------------------------------------------------------------------------------------------

    @classmethod
    def connect(
        cls,
        address: str,
        timeout: float = DEFAULT_WAIT_S,
        *,
        client_id: str | None = None,
        product: str = DEFAULT_PRODUCT,
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        reconnect_s: float = DEFAULT_RECONNECT_S,
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
            reconnect_s: Seconds for which a lost connection is tried to be restored, and everything taken up
                where it was; 0 for not at all.
            security: This client's key and the server's, for a server with keys.

        Raises:
            AuthenticationError: A key is missing, wrong or not allowed; said at once, not after ``timeout``.
            HandshakeRefusedError: The server refused; both sides' versions are in it.
            ConnectError: Nobody answered, or what answered is no ShotStream server.
        """
        client = cls.begin(
            address,
            timeout,
            client_id=client_id,
            product=product,
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            reconnect_s=reconnect_s,
            security=security,
        )
        while client.connecting:
            client._shake_hands(timeout)
        return client

    @classmethod
    def begin(
        cls,
        address: str,
        timeout: float = DEFAULT_WAIT_S,
        *,
        client_id: str | None = None,
        product: str = DEFAULT_PRODUCT,
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        reconnect_s: float = DEFAULT_RECONNECT_S,
        security: ClientSecurity | None = None,
    ) -> Client:
        """Like :meth:`connect`, but returns at once: :meth:`pump` shakes hands, and raises what is wrong.

        For a user interface, which may not wait. Until :attr:`connecting` is false nothing can be asked of
        the server.

        Raises:
            ConnectError: The address is none.
        """
        client = cls(
            address,
            time.monotonic(),
            client_id=client_id,
            product=product,
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            reconnect_s=reconnect_s,
            security=security,
        )
        client._patience = timeout
        client._greet_until = time.monotonic() + timeout
        return client

    def _shake_hands(self, wait: float) -> None:
        """Goes on with the handshake, for up to ``wait`` seconds; whatever is wrong with it closes."""
        try:
            left = self._greet_until - time.monotonic()
            self._exchange(0.0 if self._question else max(0.0, min(wait, left)))
            if self._question is None and self._should_ask_mechanism():
                self._question = MechanismQuestion(self._address)
            if self._question is not None:
                self._question.step(wait)
                if self._question.done:
                    mechanism, self._question = self._question.mechanism, None
                    self._transport.unauthenticated = why_mechanism(mechanism, keys=self._secured)
            self._check_greeting(self._greet_until - time.monotonic(), self._patience)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Says goodbye and closes; takes a fifth of a second at most. May be called twice."""
        if self._question is not None:
            self._question.close()
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

        Frames count as consumed once they are returned, and their credits are granted again. A connection
        that is lost is restored here too, without waiting for it.

        Args:
            timeout: Seconds to wait if nothing has happened; 0 never waits.

        Returns:
            Events in the order of their arrival. :class:`ConnectionLost` is the last one ever.

        Raises:
            ConnectError: After :meth:`begin`, what :meth:`connect` would raise; the client is closed then.
        """
        if self.connecting:
            self._shake_hands(timeout)
            return self._hand_out()
        deadline = time.monotonic() + timeout
        left = timeout
        while not self.closed:
            self._exchange(max(0.0, left))
            left = deadline - time.monotonic()
            if self._events or left <= 0:
                break
        return self._hand_out()

    def events(self, idle_timeout: float | None = None) -> Iterator[ClientEvent]:
        """Yields events as they happen, until the connection ends.

        Args:
            idle_timeout: Seconds without any event after which it ends as well; ``None`` for no limit.
        """
        while True:
            batch = self.pump(DEFAULT_WAIT_S if idle_timeout is None else idle_timeout)
            if self.closed or (not batch and idle_timeout is not None):
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
        while not self._is_ready(left := deadline - time.monotonic(), timeout):
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
        name = story_id or new_story_id()
        request = self._core.open_story(name, global_caption=global_caption, seed=seed, title=title)
        reply = self.settle(request, wait)
        return StoryHandle(self, name, reply if isinstance(reply, StoryOpened) else None)

    def story(self, story_id: str) -> StoryHandle:
        """A handle on a story that is open already, to watch it or to send it beats."""
        return StoryHandle(self, story_id, None)

    def status(self, wait: float = DEFAULT_WAIT_S) -> Status:
        """Asks how the server stands, and the stories that this client may see.

        Raises:
            RequestFailedError: The server is too old to tell it.
            RequestTimeoutError: No answer in time.
            NotConnectedError: The connection is lost.
        """
        reply = self.settle(self._ask_status(), max(wait, _LEAST_WAIT_S))
        assert isinstance(reply, Status)  # noqa: S101 - nothing else answers this request
        return reply

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
        while (reply := self._outcome(request)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or self.closed:
                raise self._unsettled(request, wait)
            self._exchange(left)
        return reply

    def _exchange(self, wait: float) -> None:
        self._events.extend(self._transport.exchange(wait))
