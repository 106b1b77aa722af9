# SPDX-License-Identifier: Apache-2.0
"""What the synchronous and the asyncio client share: everything but the waiting."""

from __future__ import annotations

import uuid
from collections import deque
from typing import Final

from shotstream_bridge.client_core import DEFAULT_HEARTBEAT_S, DEFAULT_TIMEOUT_S, ClientCore
from shotstream_bridge.client_requests import ClientState
from shotstream_bridge.dealer import DealerTransport
from shotstream_bridge.errors import (
    AuthenticationError,
    ConnectError,
    ErrorCode,
    HandshakeRefusedError,
    NotConnectedError,
    RequestFailedError,
    RequestTimeoutError,
)
from shotstream_bridge.events import ClientEvent, Reply
from shotstream_bridge.fields import BeatStage, EndpointLimits, ServerInfo, ServerStateName
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.greeting import explain_mechanism
from shotstream_bridge.replies import BeatStatus, Error, Refused
from shotstream_bridge.security import ClientSecurity
from shotstream_bridge.version import PROTOCOL_VERSIONS, __version__

DEFAULT_RECONNECT_S: Final = 30.0
DEFAULT_PRODUCT: Final = f"shotstream-python/{__version__}"
# Handshakes ended without a word: once may be a server that stops just then. A server over its rate ends a
# few of those it should leave unanswered, which must not look like a wrong key.
_ASK_AFTER: Final = 2
_ASK_AFTER_WITH_KEYS: Final = 5


class ClientBase:
    """A connection to a server, without anything that waits.

    On Linux the first one makes the process keep freed memory: see :mod:`~shotstream_bridge.heap`.

    Args:
        address: ``tcp://HOST:PORT``.
        now: Monotonic seconds.
        client_id: Names this client across connections; one is made up by default.
        product: Product and version of the program, for the server's log.
        heartbeat_s: Seconds of silence before a heartbeat is sent.
        timeout_s: Seconds of silence after which either side counts the other as dead.
        reconnect_s: Seconds for which a lost connection is tried to be restored; 0 for not at all.
        security: This client's key and the server's, for a server with keys.

    Raises:
        ConnectError: The address is none.
    """

    def __init__(
        self,
        address: str,
        now: float,
        *,
        client_id: str | None = None,
        product: str = DEFAULT_PRODUCT,
        heartbeat_s: float = DEFAULT_HEARTBEAT_S,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        reconnect_s: float = DEFAULT_RECONNECT_S,
        security: ClientSecurity | None = None,
    ) -> None:
        self._address = address
        self._secured = security is not None
        self._core = ClientCore(
            client_id or f"client-{uuid.uuid4().hex[:16]}",
            product=product,
            now=now,
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            reconnect_s=reconnect_s,
        )
        self._transport = DealerTransport(address, self._core, security)
        self._events: deque[ClientEvent] = deque()
        self._asked_mechanism = False

    # --- what is known ----------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._core.state is ClientState.OPEN

    @property
    def connecting(self) -> bool:
        """Whether the first handshake is under way."""
        return self._core.state is ClientState.GREETING

    @property
    def closed(self) -> bool:
        """Whether it is over: closed, refused, or lost for good."""
        return self._core.state is ClientState.CLOSED

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
        """What the server told of itself, with its latest state."""
        return self._core.server

    @property
    def loading_progress(self) -> float | None:
        """How far the server's loading is, from 0 to 1; None if it has not told, or is ready."""
        return self._core.loading_progress

    @property
    def version(self) -> int:
        """The protocol version in use."""
        return self._core.version

    @property
    def limits(self) -> EndpointLimits:
        """What the server allows on a connection."""
        return self._core.limits

    # --- the handshake ----------------------------------------------------------------------------------

    def _should_ask_mechanism(self) -> bool:
        """Whether to ask the port why handshakes fail, once."""
        enough = _ASK_AFTER_WITH_KEYS if self._secured else _ASK_AFTER
        if self._asked_mechanism or self._transport.unexplained < enough:
            return False
        self._asked_mechanism = self._transport.unauthenticated is None
        return self._asked_mechanism

    def _ask_mechanism(self) -> None:
        """Asks; takes up to a second or two."""
        self._transport.unauthenticated = explain_mechanism(self._address, keys=self._secured)

    def _check_greeting(self, left: float, timeout: float) -> None:
        """Raises what is wrong with the handshake so far, and when its time is over."""
        if self._transport.unauthenticated is not None:
            raise AuthenticationError(f"no connection to {self._address}: {self._transport.unauthenticated}")
        refused, lost = self._core.refused, self._core.lost
        if refused is not None:
            raise HandshakeRefusedError(
                refused.code,
                f"the server at {self._address} refused the connection: {refused.reason}",
                server_versions=refused.server_versions if isinstance(refused, Refused) else (),
                client_versions=PROTOCOL_VERSIONS,
                retryable=refused.retryable,
            )
        if lost is not None:
            raise ConnectError(
                f"what listens at {self._address} cannot be used: {lost.reason}; is it a ShotStream server?"
            )
        if self.connecting and left <= 0:
            raise ConnectError(self._why_no_answer(timeout))

    def _why_no_answer(self, timeout: float) -> str:
        if self._transport.handshaken:
            return (
                f"what listens at {self._address} did not answer hello within {timeout:g} s; "
                "is it a ShotStream server, and is it busy?"
            )
        if self._secured and self._transport.unanswered:
            return (
                f"the server at {self._address} left the handshake unanswered for {timeout:g} s: more "
                "connections a second come from here than it allows (connections_per_s), or it is busy; "
                "try again later"
            )
        if self._transport.unexplained or self._transport.unanswered:
            return f"what listens at {self._address} does not speak ZeroMQ; is it a ShotStream server?"
        return (
            f"no server answers at {self._address} within {timeout:g} s; "
            "start one with `shotstream serve`, or check the address"
        )

    # --- events and replies -----------------------------------------------------------------------------

    def flush(self) -> None:
        """Sends what waits, as far as the socket takes it."""
        self._transport.send()

    def _hand_out(self) -> list[ClientEvent]:
        """The events so far, for the application: the credits of its frames are granted again."""
        events = list(self._events)
        self._events.clear()
        for event in events:
            if isinstance(event, ReceivedFrame):
                self._core.consumed(event.header.subscription)
        if events:
            self.flush()
        return events

    def _outcome(self, request: int) -> Reply | None:
        """The reply to an expected request, once it is there.

        Raises:
            RequestFailedError: The server refused.
        """
        reply = self._core.reply(request)
        refused = isinstance(reply, Error) or (
            isinstance(reply, BeatStatus) and reply.stage is BeatStage.REJECTED
        )
        if refused and isinstance(reply, Error | BeatStatus):
            raise RequestFailedError(
                reply.code or "", reply.reason or "", field=reply.field, retryable=bool(reply.retryable)
            )
        return reply

    def _unsettled(self, request: int, wait: float) -> RequestTimeoutError | NotConnectedError:
        """Why a request got no reply; it is an event if it comes after all."""
        self._core.forget(request)
        if self.closed:
            return self._not_connected()
        why = "" if self.connected else "; the connection is lost, and tried to be restored"
        return RequestTimeoutError(f"the server did not answer within {wait:g} s{why}")

    def _ask_status(self) -> int:
        """Asks for the server's status; returns the request's number.

        Raises:
            RequestFailedError: The server is too old to tell it.
        """
        if not self._core.knows("status"):
            raise RequestFailedError(
                ErrorCode.UNKNOWN_TYPE.value,
                f"the server ({self.server.product}) does not tell its status; update it",
                field=None,
                retryable=False,
            )
        return self._core.get_status()

    def _not_connected(self) -> NotConnectedError:
        lost = self._core.lost
        return NotConnectedError(lost.reason if lost else "this client is closed")

    def _is_ready(self, left: float, timeout: float) -> bool:
        """Whether the server's model is loaded.

        Raises:
            RequestTimeoutError: It is not, and there is no time left.
            NotConnectedError: The connection was lost.
        """
        if self.server.state is ServerStateName.READY:
            return True
        if left <= 0:
            detail = f" ({self.server.detail})" if self.server.detail else ""
            raise RequestTimeoutError(
                f"the server is still {self.server.state.value}{detail} after {timeout:g} s"
            )
        if self.closed:
            raise self._not_connected()
        return False
