# SPDX-License-Identifier: Apache-2.0
"""What the server does with each message: sessions, subscriptions, and calls into the service. No sockets."""

from __future__ import annotations

import logging
from typing import Any

from shotstream_bridge.codec import MAX_HEADER_BYTES, unpack_header, validate_client
from shotstream_bridge.errors import ErrorCode, InvalidMessageError, RequestRejected
from shotstream_bridge.fields import BeatStage, EndpointLimits, Message, ServerInfo
from shotstream_bridge.flow import open_flow
from shotstream_bridge.handshake import read_hello, settle_heartbeat, settle_version
from shotstream_bridge.messages import ClientMessage, PublishedMessage
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    Refused,
    ServerState,
    StoryClosed,
    Subscribed,
    Welcome,
)
from shotstream_bridge.requests import (
    CancelBeat,
    CloseStory,
    Goodbye,
    GrantCredits,
    Heartbeat,
    Hello,
    OpenStory,
    SubmitBeat,
    Subscribe,
    Unsubscribe,
)
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.version import PROTOCOL_VERSIONS
from shotstream_bridge.watchers import Watcher, Watchers

_log = logging.getLogger(__name__)

_HOST_FAILED = "the server failed on this request; its log says why"
_LONGEST_REASON = 4_000
_LONGEST_FIELD = 200

Stranger = tuple[bytes, Message]
"""An answer to a connection that has no session: sent once if the socket takes it."""


class Dispatcher:
    """The protocol's state on the server. Belongs to the endpoint's thread, except for ``watchers``.

    Args:
        service: The host.
        watchers: All subscriptions.
        limits: What each connection may do.
    """

    def __init__(self, service: StoryService, watchers: Watchers, limits: EndpointLimits) -> None:
        self._service = service
        self._watchers = watchers
        self._limits = limits
        self.sessions: dict[bytes, Session] = {}
        self._by_client: dict[str, Session] = {}
        self._owners: dict[str, str] = {}

    # --- arrivals -----------------------------------------------------------------------------------

    def receive(self, routing_id: bytes, parts: list[bytes], now: float) -> list[Stranger]:
        """Handles one multipart message.

        Answers to clients go into their sessions' outboxes.

        Args:
            routing_id: The connection.
            parts: The message without its routing id.
            now: Monotonic seconds.

        Returns:
            Answers to connections without a session.
        """
        session = self.sessions.get(routing_id)
        if session is not None:
            session.heard_at = now
        try:
            fields = self._unpack(parts)
            if fields.get("type") == "hello":
                return self._hello(routing_id, session, fields, now)
            if session is None:
                # Perhaps a heartbeat of a client that was dropped: it must learn to start over.
                raise InvalidMessageError(
                    ErrorCode.HELLO_REQUIRED,
                    "this connection was not welcomed, or was dropped; send hello first",
                )
            message = validate_client(fields)
        except InvalidMessageError as error:
            answer = _error(error)
            if session is None:
                return [(routing_id, answer)]
            session.post(answer)
            return []
        self._handle(session, message)
        return []

    def _unpack(self, parts: list[bytes]) -> dict[str, Any]:
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

    def _hello(
        self, routing_id: bytes, session: Session | None, fields: dict[str, Any], now: float
    ) -> list[Stranger]:
        if session is not None:
            raise InvalidMessageError(
                ErrorCode.UNEXPECTED_MESSAGE, "this connection was welcomed already", field="type"
            )
        hello = read_hello(fields)
        if isinstance(hello, Refused):
            return [(routing_id, hello)]
        taken_over = self._by_client.get(hello.client_id)
        if taken_over is None and len(self.sessions) >= self._limits.clients:
            why = f"{len(self.sessions)} clients are connected, which is this server's limit"
            return [(routing_id, _refused(hello, ErrorCode.TOO_MANY_CLIENTS, why))]
        try:
            info = self._service.server_info()
        except Exception:  # noqa: BLE001 - the host's fault must not take the other clients down with it
            _log.exception("the service failed to describe itself to client %s", hello.client_id)
            return [(routing_id, _refused(hello, ErrorCode.INTERNAL, _HOST_FAILED))]
        strangers: list[Stranger] = []
        if taken_over is not None:
            # The newest connection wins: who comes back must not wait for the old connection to time out.
            bye = Goodbye(reason="another connection said hello as this client")
            strangers.append((taken_over.routing_id, bye))
            self._forget(taken_over)
        self._welcome(routing_id, hello, info, now)
        return strangers

    def _welcome(self, routing_id: bytes, hello: Hello, info: ServerInfo, now: float) -> None:
        version = settle_version(hello.versions)
        assert version is not None  # noqa: S101 - read_hello refuses otherwise
        heartbeat_s, timeout_s = settle_heartbeat(hello.heartbeat_s, hello.timeout_s)
        session = Session(
            routing_id, hello.client_id, version, heartbeat_s, timeout_s, heard_at=now, sent_at=now
        )
        self.sessions[routing_id] = session
        self._by_client[hello.client_id] = session
        session.post(
            Welcome(
                version=version,
                client_id=hello.client_id,
                heartbeat_s=heartbeat_s,
                timeout_s=timeout_s,
                server=info,
                limits=self._limits,
            )
        )
        _log.info("client %s connected (%s)", hello.client_id, hello.product)

    # --- requests -----------------------------------------------------------------------------------

    def _handle(self, session: Session, message: ClientMessage) -> None:
        try:
            self._call(session, message)
        except RequestRejected as refusal:
            self._refuse(session, message, refusal)
        except Exception:  # noqa: BLE001 - as in _hello
            _log.exception("the service failed on %s of client %s", message.type, session.client_id)
            self._refuse(session, message, RequestRejected(ErrorCode.INTERNAL, _HOST_FAILED))

    def _call(self, session: Session, message: ClientMessage) -> None:
        client_id = session.client_id
        match message:
            case OpenStory():
                opened = self._service.open_story(client_id, message)
                self._owners[opened.story_id] = client_id
                session.post(opened.model_copy(update={"request": message.request}))
            case SubmitBeat():
                self._service.submit_beat(client_id, message)
                self._accepted(session, message)
            case CancelBeat():
                self._service.cancel_beat(client_id, message)
                session.post(Ack(request=message.request))
            case CloseStory():
                self._service.close_story(client_id, message)
                session.post(Ack(request=message.request))
            case Subscribe():
                self._subscribe(session, message)
            case GrantCredits():
                self._grant(session, message)
            case Unsubscribe():
                self._unsubscribe(session, message)
            case Goodbye():
                self.drop(session, message.reason or "goodbye")
            case Heartbeat():
                pass
            case Hello():
                raise AssertionError("hello is handled before")

    def _accepted(self, session: Session, message: SubmitBeat) -> None:
        status = BeatStatus(story_id=message.story_id, beat_id=message.beat_id, stage=BeatStage.ACCEPTED)
        session.post(status.model_copy(update={"request": message.request}))
        for other in self._audience(message.story_id):
            if other is not session:
                other.post(status)

    def _subscribe(self, session: Session, message: Subscribe) -> None:
        number = message.subscription
        if message.story_id not in self._owners:
            raise RequestRejected(
                ErrorCode.UNKNOWN_STORY,
                f"story {message.story_id} is not open; open it first",
                field="story_id",
            )
        if number in session.subscriptions:
            raise RequestRejected(
                ErrorCode.SUBSCRIPTION_EXISTS,
                f"subscription {number} is in use on this connection; choose another number",
                field="subscription",
            )
        if len(session.subscriptions) >= self._limits.subscriptions_per_client:
            raise RequestRejected(
                ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                f"this client has {len(session.subscriptions)} subscriptions; end one first",
            )
        flow = open_flow(
            message.mode,
            message.credits,
            credit_limit=self._limits.credits,
            capacity=self._limits.backlog_frames,
        )
        session.subscriptions[number] = message.story_id
        session.post(Subscribed(request=message.request, subscription=number, story_id=message.story_id))
        key = (session.routing_id, number)
        self._watchers.add(
            Watcher(key, message.story_id, message.format, message.quality, message.checksum, flow)
        )

    def _grant(self, session: Session, message: GrantCredits) -> None:
        number = message.subscription
        granted = self._watchers.grant((session.routing_id, number), message.credits)
        if not granted and number not in session.ended:
            raise _no_subscription(number)

    def _unsubscribe(self, session: Session, message: Unsubscribe) -> None:
        number = message.subscription
        if number not in session.subscriptions and number not in session.ended:
            raise _no_subscription(number)
        self._watchers.remove((session.routing_id, number))
        session.end_subscription(number)
        session.post(Ack(request=message.request))
        self.release_held(session)

    def _refuse(self, session: Session, message: ClientMessage, refusal: RequestRejected) -> None:
        if isinstance(message, SubmitBeat):
            session.post(
                BeatStatus(
                    request=message.request,
                    story_id=message.story_id,
                    beat_id=message.beat_id,
                    stage=BeatStage.REJECTED,
                    code=refusal.code.value,
                    field=(refusal.field or "")[:_LONGEST_FIELD] or None,
                    reason=refusal.reason[:_LONGEST_REASON],
                    retryable=refusal.retryable,
                )
            )
            return
        session.post(
            Error(
                request=getattr(message, "request", None),
                code=refusal.code.value,
                field=(refusal.field or "")[:_LONGEST_FIELD] or None,
                reason=refusal.reason[:_LONGEST_REASON],
                retryable=refusal.retryable,
                story_id=getattr(message, "story_id", None),
                beat_id=getattr(message, "beat_id", None),
            )
        )

    # --- news ---------------------------------------------------------------------------------------

    def publish(self, message: PublishedMessage) -> None:
        """Puts a message of the host into the outboxes of those it concerns."""
        if isinstance(message, StoryClosed):
            for session in self._audience(message.story_id):
                session.held[message.story_id] = message
                self.release_held(session)
            self._owners.pop(message.story_id, None)
            return
        story_id = None if isinstance(message, ServerState) else message.story_id
        for session in self.sessions.values() if story_id is None else self._audience(story_id):
            session.post(message)

    def release_held(self, session: Session) -> None:
        """Posts each ``story_closed`` whose frames have all been sent, and ends the subscriptions."""
        for story_id, closed in list(session.held.items()):
            own = self._watchers.of_connection(session.routing_id)
            watchers = [watcher for watcher in own if watcher.story_id == story_id]
            if any(watcher.flow.waiting for watcher in watchers):
                continue
            for watcher in watchers:
                self._watchers.remove(watcher.key)
                session.end_subscription(watcher.key[1])
            del session.held[story_id]
            session.post(closed)

    def _audience(self, story_id: str) -> list[Session]:
        """The story's owner and watchers."""
        owner = self._owners.get(story_id)
        return [s for s in self.sessions.values() if s.client_id == owner or s.watches(story_id)]

    # --- departures ---------------------------------------------------------------------------------

    def drop(self, session: Session, why: str) -> None:
        """Forgets a client that left, died or cannot be served, and tells the service."""
        _log.info("client %s gone: %s", session.client_id, why)
        self._forget(session)
        try:
            self._service.client_gone(session.client_id)
        except Exception:  # noqa: BLE001 - as in _hello
            _log.exception("the service failed on the departure of client %s", session.client_id)

    def _forget(self, session: Session) -> None:
        self.sessions.pop(session.routing_id, None)
        if self._by_client.get(session.client_id) is session:
            del self._by_client[session.client_id]
        for watcher in self._watchers.of_connection(session.routing_id):
            self._watchers.remove(watcher.key)


def _refused(hello: Hello, code: ErrorCode, reason: str) -> Refused:
    return Refused(
        code=code.value,
        reason=reason,
        retryable=True,
        server_versions=PROTOCOL_VERSIONS,
        client_versions=hello.versions,
    )


def _no_subscription(number: int) -> RequestRejected:
    return RequestRejected(
        ErrorCode.UNKNOWN_SUBSCRIPTION,
        f"there is no subscription {number} on this connection; subscribe first",
        field="subscription",
    )


def _error(error: InvalidMessageError) -> Error:
    return Error(
        request=error.request,
        code=error.code.value,
        field=error.field,
        reason=error.reason,
        retryable=error.code.retryable,
        story_id=error.story_id,
        beat_id=error.beat_id,
    )
