# SPDX-License-Identifier: Apache-2.0
"""What the server does with each message: sessions, subscriptions, and calls into the service. No sockets."""

from __future__ import annotations

import logging
import time

from shotstream_bridge.allow_list import AllowList
from shotstream_bridge.arrival import Arrival
from shotstream_bridge.codec import validate_client
from shotstream_bridge.counters import EndpointCounters
from shotstream_bridge.errors import ErrorCode, InvalidMessageError, RequestRejected, SharedMemoryError
from shotstream_bridge.fields import BeatStage, EndpointLimits, Quotas
from shotstream_bridge.flow import open_flow
from shotstream_bridge.frames import why_not_encodable
from shotstream_bridge.log_context import log_context
from shotstream_bridge.messages import ClientMessage, PublishedMessage
from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.reception import HOST_FAILED, Reception, refusal_of, unpack
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    Notice,
    ServerState,
    StoryClosed,
    StoryResumed,
    Subscribed,
)
from shotstream_bridge.requests import (
    CancelBeat,
    CloseStory,
    GetStatus,
    Goodbye,
    GrantCredits,
    Heartbeat,
    Hello,
    MemoryOpened,
    OpenStory,
    ResumeStory,
    SubmitBeat,
    Subscribe,
    Unsubscribe,
)
from shotstream_bridge.service import StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.sessions import Sessions
from shotstream_bridge.shared_ring import RingWriter
from shotstream_bridge.status import StatusDesk
from shotstream_bridge.story_ledger import StoryLedger
from shotstream_bridge.watchers import Watcher, Watchers

_log = logging.getLogger(__name__)

_LONGEST_REASON = 4_000
_LONGEST_FIELD = 200


class Dispatcher:
    """The protocol's state on the server. Belongs to the endpoint's thread, except for ``watchers``.

    Args:
        service: The host.
        watchers: All subscriptions.
        limits: What each connection may do.
        quotas: What all of them may do together.
        allowed: Who may be served; None for everyone who reaches the socket.

    Attributes:
        sessions: The connected clients.
        reception: Decides who they are.
        counters: What happens is counted here.
    """

    def __init__(
        self,
        service: StoryService,
        watchers: Watchers,
        limits: EndpointLimits,
        quotas: Quotas,
        allowed: AllowList | None = None,
    ) -> None:
        self._service = service
        self._watchers = watchers
        self._limits = limits
        self._ledger = StoryLedger(quotas)
        self.sessions = Sessions(service, watchers, quotas.resume_s)
        self.counters = EndpointCounters()
        self.reception = Reception(
            service, self.sessions, self._ledger, limits, quotas, allowed, self.counters
        )
        self._status = StatusDesk(service, self.sessions, self._ledger, watchers, allowed)

    # --- arrivals -----------------------------------------------------------------------------------

    def receive(self, arrival: Arrival) -> None:
        """Handles one multipart message. Answers to clients go into their sessions' outboxes."""
        session = self.sessions.at(arrival.routing_id)
        if session is None:
            self.reception.receive(arrival)
            return
        session.heard_at = arrival.at
        try:
            fields = unpack(arrival.parts)
            self.reception.check_rate(session, fields, arrival.at)
            if fields.get("type") == "hello":
                raise InvalidMessageError(
                    ErrorCode.UNEXPECTED_MESSAGE, "this connection was welcomed already", field="type"
                )
            message = validate_client(fields)
        except InvalidMessageError as error:
            self.counters.refused(error.code)
            session.post(refusal_of(error))
            return
        self._handle(session, message)

    # --- requests -----------------------------------------------------------------------------------

    def _handle(self, session: Session, message: ClientMessage) -> None:
        story, beat = getattr(message, "story_id", None), getattr(message, "beat_id", None)
        with log_context(client=session.client_id, story=story, beat=beat):
            try:
                self._call(session, message)
            except RequestRejected as refusal:
                self._refuse(session, message, refusal)
            except Exception:  # noqa: BLE001 - as in _hello
                _log.exception("the service failed on %s of client %s", message.type, session.client_id)
                self._refuse(session, message, RequestRejected(ErrorCode.INTERNAL, HOST_FAILED))

    def _call(self, session: Session, message: ClientMessage) -> None:
        client_id = session.client_id
        match message:
            case OpenStory():
                earlier = self._ledger.get(message.story_id) is not None
                opened = self._service.open_story(client_id, message)
                if self._ledger.opened(opened, client_id, session.user) and earlier:
                    # What is kept of an earlier story of this name is not this one's. What is kept of one
                    # that was never opened here is: the host goes on with it since before it was started.
                    self._watchers.forget_frames(opened.story_id)
                session.post(opened.model_copy(update={"request": message.request}))
            case SubmitBeat():
                self._ledger.check_beat(message.story_id, message.beat_id)
                self._service.submit_beat(client_id, message)
                self._accepted(session, message)
            case CancelBeat():
                self._service.cancel_beat(client_id, message)
                session.post(Ack(request=message.request))
            case CloseStory():
                self._service.close_story(client_id, message)
                session.post(Ack(request=message.request))
            case ResumeStory():
                self._resume_story(session, message)
            case GetStatus():
                session.post(self._status.answer(session, message))
            case Subscribe() | MemoryOpened() | GrantCredits() | Unsubscribe():
                self._call_watching(session, message)
            case Goodbye():
                self.sessions.drop(session, message.reason or "goodbye")
            case Heartbeat():
                pass
            case Hello():
                raise AssertionError("hello is handled before")

    def _call_watching(
        self, session: Session, message: Subscribe | MemoryOpened | GrantCredits | Unsubscribe
    ) -> None:
        match message:
            case Subscribe():
                self._subscribe(session, message)
            case MemoryOpened():
                self._memory_opened(session, message)
            case GrantCredits():
                self._grant(session, message)
            case Unsubscribe():
                self._unsubscribe(session, message)

    def _accepted(self, session: Session, message: SubmitBeat) -> None:
        status = BeatStatus(story_id=message.story_id, beat_id=message.beat_id, stage=BeatStage.ACCEPTED)
        self._ledger.accepted(status)
        session.post(status.model_copy(update={"request": message.request}))
        for other in self._audience(message.story_id):
            if other is not session:
                other.post(status)

    def _subscribe(self, session: Session, message: Subscribe) -> None:
        number = message.subscription
        # A story that ended a moment ago may still be seen to its end, by who comes back for it.
        known = self._ledger.get(message.story_id) is not None and message.from_frame is not None
        if not (known or self._ledger.is_open(message.story_id)):
            raise _unknown_story(message.story_id)
        if number in session.subscriptions:
            raise RequestRejected(
                ErrorCode.SUBSCRIPTION_EXISTS,
                f"subscription {number} is in use on this connection; choose another number",
                field="subscription",
            )
        if len(session.subscriptions) >= self._limits.subscriptions_per_client:
            raise RequestRejected(
                ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                f"this client has {len(session.subscriptions)} subscriptions; subscriptions_per_client is "
                f"{self._limits.subscriptions_per_client}; end one first",
                field="subscription",
            )
        self._check_format(message)
        ring, why_not = self._make_ring(session, message)
        session.subscriptions[number] = message.story_id
        try:
            first = self._watch(session, message, ring)
        except RequestRejected:
            del session.subscriptions[number]
            if ring is not None:
                self._watchers.rings.release(ring)
            raise
        session.post(
            Subscribed(
                request=message.request,
                subscription=number,
                story_id=message.story_id,
                first_frame=first if session.resumes or message.from_frame is not None else None,
                memory=None if ring is None else ring.offer(),
            )
        )
        if why_not is not None:
            text = f"subscription {number} goes without shared memory: {why_not}"
            session.post(Notice(story_id=message.story_id, code="memory_unavailable", text=text))

    def _check_format(self, message: Subscribe) -> None:
        story = self._ledger.get(message.story_id)
        if story is None:
            return
        why = why_not_encodable(message.format, story.opened.width, story.opened.height)
        if why is not None:
            raise RequestRejected(ErrorCode.UNSUPPORTED_FORMAT, f"format: {why}", field="format")

    def _make_ring(self, session: Session, message: Subscribe) -> tuple[RingWriter | None, str | None]:
        """Shared memory for a subscription, or why there is none."""
        story = self._ledger.get(message.story_id)
        if story is None or not message.memory:
            return None, None
        try:
            return self._watchers.rings.make(message, story.opened, local=session.local), None
        except SharedMemoryError as error:
            return None, str(error)

    def _memory_opened(self, session: Session, message: MemoryOpened) -> None:
        watcher = self._watchers.get((session.routing_id, message.subscription))
        if watcher is None or watcher.ring is None:
            return
        if message.opened:
            watcher.ring.opened()
            watcher.ring_opened = True
            return
        self._watchers.rings.release(watcher.ring)
        watcher.ring = None

    def _watch(self, session: Session, message: Subscribe, ring: RingWriter | None) -> int:
        def make(earlier: list[SharedPayloads], first: int) -> Watcher:
            flow = open_flow(
                message.mode,
                message.credits,
                credit_limit=self._limits.credits,
                capacity=self._limits.backlog_frames,
                earlier=earlier,
            )
            return Watcher(
                (session.routing_id, message.subscription),
                message.story_id,
                message.format,
                message.quality,
                message.checksum,
                flow,
                message.mode,
                first_frame=first,
                ring=ring,
            )

        return self._watchers.add_from(message.story_id, message.from_frame, make)

    def _resume_story(self, session: Session, message: ResumeStory) -> None:
        story = self._ledger.get(message.story_id)
        if story is None:
            raise _unknown_story(message.story_id)
        first_kept, next_frame = self._watchers.kept(message.story_id)
        opened = story.opened
        session.post(
            StoryResumed(
                request=message.request,
                story_id=message.story_id,
                width=opened.width,
                height=opened.height,
                fps=opened.fps,
                chunks_per_shot=opened.chunks_per_shot,
                first_kept=first_kept,
                next_frame=next_frame,
            )
        )
        self.counters.resumes += 1
        for status in story.latest_stages():
            session.post(status)
        if story.closed is not None:
            session.held[message.story_id] = story.closed
            self.release_held(session)

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
        # Not higher: a client that is refused thousands of times a second must not fill the disk.
        _log.debug("refused %s: %s", message.type, refusal)
        self.counters.refused(refusal.code)
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
            if self._ledger.get(message.story_id) is None:
                self._watchers.forget_frames(message.story_id)
            for session in self._audience(message.story_id):
                session.held[message.story_id] = message
                self.release_held(session)
            self._ledger.ended(message, time.monotonic())
            return
        if isinstance(message, BeatStatus):
            self._ledger.told(message)
        story_id = None if isinstance(message, ServerState) else message.story_id
        for session in self.sessions if story_id is None else self._audience(story_id):
            session.post(message)

    def expire(self, now: float) -> None:
        """Lets go of clients that did not come back, and of stories that ended long enough ago."""
        self.sessions.expire(now)
        for story_id in self._ledger.forget(now):
            self._watchers.forget_frames(story_id)

    def next_to_expire(self) -> float | None:
        """When :meth:`expire` has something to do."""
        due = [self.sessions.next_to_expire(), self._ledger.next_to_forget()]
        return min((moment for moment in due if moment is not None), default=None)

    def release_held(self, session: Session) -> None:
        """Posts each ``story_closed`` whose frames have all been sent, and ends the subscriptions."""
        for story_id, closed in list(session.held.items()):
            own = self._watchers.of_connection(session.routing_id)
            watchers = [watcher for watcher in own if watcher.story_id == story_id]
            if any(watcher.waiting for watcher in watchers):
                continue
            for watcher in watchers:
                self._watchers.remove(watcher.key)
                session.end_subscription(watcher.key[1])
            del session.held[story_id]
            session.post(closed)

    def _audience(self, story_id: str) -> list[Session]:
        """The story's owner and watchers."""
        owner = self._ledger.owner_of(story_id)
        return [s for s in self.sessions if s.client_id == owner or s.watches(story_id)]


def _unknown_story(story_id: str) -> RequestRejected:
    return RequestRejected(
        ErrorCode.UNKNOWN_STORY, f"story {story_id} is not open; open it first", field="story_id"
    )


def _no_subscription(number: int) -> RequestRejected:
    return RequestRejected(
        ErrorCode.UNKNOWN_SUBSCRIPTION,
        f"there is no subscription {number} on this connection; subscribe first",
        field="subscription",
    )
