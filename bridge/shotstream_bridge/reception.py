# SPDX-License-Identifier: Apache-2.0
"""Who is welcomed and who stays welcome: handshake, keys and rates. No sockets."""

from __future__ import annotations

import logging
from typing import Any, Final

from shotstream_bridge.allow_list import AllowList
from shotstream_bridge.arrival import Arrival
from shotstream_bridge.codec import MAX_HEADER_BYTES, named, printable, unpack_header
from shotstream_bridge.counters import EndpointCounters
from shotstream_bridge.errors import ErrorCode, InvalidMessageError
from shotstream_bridge.fields import EndpointLimits, Message, Quotas, ServerInfo, ServerStateName
from shotstream_bridge.handshake import read_hello, settle_heartbeat, settle_version
from shotstream_bridge.rate import BURST_S, PeerRates, TokenBucket
from shotstream_bridge.replies import Error, Refused, ServerState, Welcome
from shotstream_bridge.requests import Goodbye, Hello
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.sessions import Sessions
from shotstream_bridge.story_ledger import StoryLedger
from shotstream_bridge.version import FEATURES, PROTOCOL_VERSIONS

_log: Final = logging.getLogger(__name__)

HOST_FAILED: Final = "the server failed on this request; its log says why"
_REVOKED: Final = "this client's key is no longer allowed"


class Reception:
    """Looks at who sends before what is sent is looked at.

    Args:
        service: The host.
        sessions: The connected clients.
        ledger: The open stories.
        limits: What each connection may do.
        quotas: What all of them may do together.
        allowed: Who may be served; None for everyone who reaches the socket.
        counters: What happens is counted here.

    Attributes:
        loading: What is told to those who come while the server is loading.
    """

    def __init__(
        self,
        service: StoryService,
        sessions: Sessions,
        ledger: StoryLedger,
        limits: EndpointLimits,
        quotas: Quotas,
        allowed: AllowList | None,
        counters: EndpointCounters,
    ) -> None:
        self._service = service
        self._sessions = sessions
        self._ledger = ledger
        self._limits = limits
        self._quotas = quotas
        self._allowed = allowed
        self._counters = counters
        self._rates = PeerRates(quotas.connections_per_s)
        self.loading: ServerState | None = None

    def receive(self, arrival: Arrival) -> None:
        """Handles a message on a connection without a session; only ``hello`` gives it one."""
        if not self._rates.take(arrival.address, arrival.at):
            reason = (
                "this address makes more connections a second than connections_per_s, which is "
                f"{self._quotas.connections_per_s:g}; try again later"
            )
            self._answer(arrival, Error(code=ErrorCode.RATE_LIMITED.value, reason=reason, retryable=True))
            self._sessions.cut(arrival.connection())
            return
        if self._allowed is not None and arrival.user not in self._allowed:
            # Its key was on the list when it shook hands.
            self._answer(arrival, Goodbye(reason=_REVOKED))
            self._sessions.cut(arrival.connection())
            return
        try:
            fields = unpack(arrival.parts)
            if fields.get("type") != "hello":
                # Perhaps a heartbeat of a client that was dropped: it must learn to start over.
                raise InvalidMessageError(
                    ErrorCode.HELLO_REQUIRED,
                    "this connection was not welcomed, or was dropped; send hello first",
                )
            self._hello(arrival, fields)
        except InvalidMessageError as error:
            self._answer(arrival, refusal_of(error))

    def check_rate(self, session: Session, fields: dict[str, Any], now: float) -> None:
        """Counts a message of a client.

        Raises:
            InvalidMessageError: ``rate_limited``. A client that goes on regardless has been dismissed too.
        """
        if session.bucket.take(now):
            session.refused = 0
            return
        session.refused += 1
        rate = self._quotas.messages_per_s
        reason = f"this client sends more messages a second than messages_per_s, which is {rate:g}"
        if session.refused > rate * BURST_S:
            self._sessions.dismiss(session, reason, cut=True)
        raise InvalidMessageError(ErrorCode.RATE_LIMITED, f"{reason}; send it again later", **named(fields))

    def drop_revoked(self) -> None:
        """Drops every client whose key is no longer on the list, and closes its connection."""
        if self._allowed is None:
            return
        for session in self._sessions.everyone():
            if session.user not in self._allowed:
                self._sessions.dismiss(session, _REVOKED, cut=True)

    def _answer(self, arrival: Arrival, message: Message) -> None:
        if isinstance(message, Error | Refused):
            self._counters.refused(ErrorCode(message.code))
        self._sessions.farewells.append((arrival.routing_id, message))

    def _hello(self, arrival: Arrival, fields: dict[str, Any]) -> None:
        user = arrival.user if self._allowed is not None else None
        hello = read_hello(fields)
        if isinstance(hello, Refused):
            self._answer(arrival, hello)
            return
        known = self._sessions.of_client(hello.client_id)
        refusal = self._why_not(hello, user, known)
        if refusal is not None:
            self._answer(arrival, refusal)
            return
        try:
            info = self._service.server_info()
        except Exception:  # noqa: BLE001 - the host's fault must not take the other clients down with it
            _log.exception(
                "the service failed to describe itself to client %s",
                hello.client_id,
                extra={"client": hello.client_id},
            )
            self._answer(arrival, _refused(hello, ErrorCode.INTERNAL, HOST_FAILED))
            return
        session = self._session(arrival, user, hello)
        # The newest connection wins: who comes back must not wait for the old connection to time out.
        if known is not None:
            self._sessions.replace(known, "another connection said hello as this client")
        self._sessions.add(session)
        self._welcome(session, hello, info)
        if self.loading is not None and info.state is ServerStateName.LOADING:
            session.post(self.loading)

    def _why_not(self, hello: Hello, user: bytes | None, known: Session | None) -> Refused | None:
        name, limits = hello.client_id, self._limits
        foreign = self._ledger.belongs_to_another(name, user) or (known is not None and known.user != user)
        if foreign:
            why = f"client_id {name} is in use with another key; choose another"
            return _refused(hello, ErrorCode.CLIENT_ID_TAKEN, why, retryable=False)
        if known is not None:
            return None
        if len(self._sessions) >= limits.clients:
            why = f"{len(self._sessions)} clients are connected; clients is {limits.clients}; try again later"
            return _refused(hello, ErrorCode.TOO_MANY_CLIENTS, why)
        own = 0 if user is None else self._sessions.of_user(user)
        if user is not None and own >= self._quotas.clients_per_key:
            most = self._quotas.clients_per_key
            why = f"{own} clients are connected with this key; clients_per_key is {most}"
            return _refused(hello, ErrorCode.TOO_MANY_CLIENTS, why)
        return None

    def _session(self, arrival: Arrival, user: bytes | None, hello: Hello) -> Session:
        version = settle_version(hello.versions)
        assert version is not None  # noqa: S101 - read_hello refuses otherwise
        heartbeat_s, timeout_s = settle_heartbeat(hello.heartbeat_s, hello.timeout_s)
        return Session(
            arrival.routing_id,
            hello.client_id,
            version,
            heartbeat_s,
            timeout_s,
            heard_at=arrival.at,
            sent_at=arrival.at,
            bucket=TokenBucket(self._quotas.messages_per_s, arrival.at),
            user=user,
            connection=arrival.connection(),
            local=arrival.local,
            resumes="resume" in (hello.features or ()),
        )

    def _welcome(self, session: Session, hello: Hello, info: ServerInfo) -> None:
        self._counters.connects += 1
        self._counters.reconnects += bool(hello.resume)
        knows = hello.features is not None
        session.post(
            Welcome(
                version=session.version,
                client_id=hello.client_id,
                heartbeat_s=session.heartbeat_s,
                timeout_s=session.timeout_s,
                server=info,
                limits=self._limits,
                features=tuple(f for f in FEATURES if f in (hello.features or ())) if knows else None,
                quotas=self._quotas if knows else None,
            )
        )
        user, how = session.user, "came back" if hello.resume else "connected"
        who = "" if user is None or self._allowed is None else f" with key {self._allowed.name_of(user)}"
        _log.info(
            "client %s %s (%s)%s",
            hello.client_id,
            how,
            printable(hello.product),
            who,
            extra={"client": hello.client_id},
        )


def unpack(parts: list[bytes]) -> dict[str, Any]:
    """The header of a client's message as a map, without looking at its fields.

    Raises:
        InvalidMessageError: ``too_large`` or ``malformed``.
    """
    size = sum(len(part) for part in parts)
    if size > MAX_HEADER_BYTES:
        raise InvalidMessageError(
            ErrorCode.TOO_LARGE, f"the message has {size} bytes; at most {MAX_HEADER_BYTES} are allowed"
        )
    if len(parts) != 1:
        raise InvalidMessageError(
            ErrorCode.MALFORMED, f"the message has {len(parts)} parts; a client's have one, the header"
        )
    return unpack_header(parts[0])


def _refused(hello: Hello, code: ErrorCode, reason: str, *, retryable: bool = True) -> Refused:
    return Refused(
        code=code.value,
        reason=reason,
        retryable=retryable,
        server_versions=PROTOCOL_VERSIONS,
        client_versions=hello.versions,
    )


def refusal_of(error: InvalidMessageError) -> Error:
    """The answer to a message that is wrong."""
    return Error(
        request=error.request,
        code=error.code.value,
        field=error.field,
        reason=error.reason,
        retryable=error.code.retryable,
        story_id=error.story_id,
        beat_id=error.beat_id,
    )
