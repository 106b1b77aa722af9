# SPDX-License-Identifier: Apache-2.0
"""What the server does with each message: sessions, subscriptions, and calls into the service. No sockets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from shotstream_bridge.allow_list import AllowList
from shotstream_bridge.arrival import Arrival
from shotstream_bridge.codec import validate_client
from shotstream_bridge.counters import EndpointCounters
from shotstream_bridge.errors import ErrorCode, InvalidMessageError, RequestRejected
from shotstream_bridge.fields import BeatStage, EndpointLimits, Quotas, StoryEnd
from shotstream_bridge.log_context import log_context
from shotstream_bridge.messages import ClientMessage, PublishedMessage
from shotstream_bridge.reception import HOST_FAILED, Reception, refusal_of, unpack
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    ServerState,
    StoryClosed,
    StoryOpened,
    StoryResumed,
)
from shotstream_bridge.request_order import Awaited
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
from shotstream_bridge.service import KnownStory, StoryService
from shotstream_bridge.session import Session
from shotstream_bridge.sessions import Sessions
from shotstream_bridge.status import StatusDesk
from shotstream_bridge.story_ledger import StoryLedger, unknown_story
from shotstream_bridge.subscriptions import Subscriptions
from shotstream_bridge.watchers import Watchers

_log = logging.getLogger(__name__)

DEFAULT_ALONE_S: Final = 60.0
_OwnersRequest = OpenStory | SubmitBeat | CancelBeat | CloseStory
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
        alone_s: Seconds without its owner and without watchers after which a story may be suspended.
        wake: Called, on any thread, when :meth:`settle` has something to do.

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
        *,
        alone_s: float = DEFAULT_ALONE_S,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._watchers = watchers
        self._alone_s = alone_s
        self._wake = wake
        self._look_at = 0.0
        self._awaiting: list[Session] = []
        self._ledger = StoryLedger(quotas)
        self._subscriptions = Subscriptions(watchers, self._ledger, limits)
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
        try:
            if session.order.holds_up(message, session.subscriptions):
                return
        except RequestRejected as refusal:
            self._refuse(session, message, refusal)
            return
        self._handle(session, message)

    # --- requests -----------------------------------------------------------------------------------

    def _handle(self, session: Session, message: ClientMessage) -> None:
        self._guard(session, message, lambda: self._look_up(session, message))

    def _look_up(self, session: Session, message: ClientMessage) -> None:
        """Handles a message once the host has looked whether it knows the story from before."""
        story_id = getattr(message, "story_id", None)
        if story_id is None or self._ledger.get(story_id) is not None:
            self._call(session, message)
            return
        found = self._service.find_story(story_id)
        self._when_done(session, message, found, lambda _: self._call(session, message))

    def _guard(self, session: Session, message: ClientMessage, call: Callable[[], None]) -> None:
        story, beat = getattr(message, "story_id", None), getattr(message, "beat_id", None)
        with log_context(client=session.client_id, story=story, beat=beat):
            try:
                call()
            except RequestRejected as refusal:
                self._refuse(session, message, refusal)
            except Exception:  # noqa: BLE001 - as in _hello
                _log.exception("the service failed on %s of client %s", message.type, session.client_id)
                self._refuse(session, message, RequestRejected(ErrorCode.INTERNAL, HOST_FAILED))

    def _call(self, session: Session, message: ClientMessage) -> None:
        client_id = session.client_id
        match message:
            case OpenStory() | SubmitBeat() | CancelBeat() | CloseStory():
                self._ledger.check_key(message.story_id, client_id, session.user)
                self._call_owned(session, message)
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

    def _call_owned(self, session: Session, message: _OwnersRequest) -> None:
        client_id, service = session.client_id, self._service
        promise: object
        match message:
            case OpenStory():
                promise = service.open_story(client_id, message, session.user)
            case SubmitBeat():
                self._ledger.check_beat(message.story_id, message.beat_id)
                promise = service.submit_beat(client_id, message)
            case CancelBeat():
                promise = service.cancel_beat(client_id, message)
            case CloseStory():
                promise = service.close_story(client_id, message)
        self._when_done(session, message, promise, partial(self._granted, session, message))

    def _granted(self, session: Session, message: _OwnersRequest, result: Any) -> None:
        match message:
            case OpenStory():
                self._opened(session, message, result)
            case SubmitBeat():
                self._accepted(session, message)
            case CancelBeat() | CloseStory():
                session.post(Ack(request=message.request))

    def _when_done(
        self, session: Session, message: ClientMessage, answer: object, finish: Callable[[Any], None]
    ) -> None:
        """Answers a request, now or when what the host has promised is there."""
        if not isinstance(answer, Future):
            finish(answer)
            return
        session.order.awaited = Awaited(message, answer, finish)
        if session not in self._awaiting:
            self._awaiting.append(session)
        answer.add_done_callback(lambda _: self._wake())

    def settle(self) -> None:
        """Answers the requests that the host has done, and goes on with those that waited behind them.

        After what the host has published: what it promised may rest on that.
        """
        for session in list(self._awaiting):
            order = session.order
            while (awaited := order.awaited) is not None and awaited.answer.done():
                order.awaited = None
                self._guard(session, awaited.message, awaited.settle)
                # Of a connection that was lost meanwhile the rest comes again on the next one.
                while order.waiting and order.awaited is None and self._lives(session):
                    self._handle(session, order.waiting.popleft())
            if order.awaited is None:
                self._awaiting.remove(session)

    def _lives(self, session: Session) -> bool:
        return self.sessions.at(session.routing_id) is session

    def _opened(self, session: Session, message: OpenStory, opened: StoryOpened) -> None:
        earlier = self._ledger.get(opened.story_id)
        if self._ledger.opened(opened, session.client_id, session.user) and earlier is not None:
            # What is kept of an earlier story of this name is not this one's; nor do those who are still at
            # its last frames go on with this one's.
            self._watchers.start_over(opened.story_id)
            for other in self.sessions:
                self._end_watching(other, opened.story_id)
        session.post(opened.model_copy(update={"request": message.request}))

    def _call_watching(
        self, session: Session, message: Subscribe | MemoryOpened | GrantCredits | Unsubscribe
    ) -> None:
        match message:
            case Subscribe():
                self._subscriptions.begin(session, message)
                self._hold_end(session, message.story_id)
            case MemoryOpened():
                self._subscriptions.memory_opened(session, message)
            case GrantCredits():
                self._subscriptions.grant(session, message)
            case Unsubscribe():
                self._subscriptions.end(session, message)
                session.post(Ack(request=message.request))
                self.release_held(session)

    def _accepted(self, session: Session, message: SubmitBeat) -> None:
        status = BeatStatus(story_id=message.story_id, beat_id=message.beat_id, stage=BeatStage.ACCEPTED)
        self._ledger.accepted(status)
        session.post(status.model_copy(update={"request": message.request}))
        for other in self._audience(message.story_id):
            if other is not session:
                other.post(status)

    def _resume_story(self, session: Session, message: ResumeStory) -> None:
        story = self._ledger.get(message.story_id)
        if story is None:
            raise unknown_story(message.story_id)
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
        self._hold_end(session, message.story_id)

    def _hold_end(self, session: Session, story_id: str) -> None:
        """Has a connection told that a story has ended, after its last frames."""
        story = self._ledger.get(story_id)
        if story is not None and story.closed is not None:
            session.held[story_id] = story.closed
            self.release_held(session)

    def _refuse(self, session: Session, message: ClientMessage, refusal: RequestRejected) -> None:
        if refusal.code == ErrorCode.STOPPING and self.comes_back(session):
            return  # It sends again what was not answered, to the next server.
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

    def publish(self, message: PublishedMessage | KnownStory) -> None:
        """Puts a message of the host into the outboxes of those it concerns; takes in a story it has."""
        if isinstance(message, StoryClosed):
            if message.end is StoryEnd.SERVER_STOPPING and self._service.keeps_stories():
                self._leave_open(message)
                return
            if self._ledger.get(message.story_id) is None:
                self._watchers.forget_frames(message.story_id)
            for session in self._audience(message.story_id):
                session.held[message.story_id] = message
                self.release_held(session)
            self._ledger.ended(message, time.monotonic())
            return
        if isinstance(message, KnownStory):
            self._ledger.adopt(message, time.monotonic())
            return
        if isinstance(message, BeatStatus) and not self._ledger.told(message):
            return  # a story that goes on comes by some stages once more
        if isinstance(message, ServerState):
            self.reception.loading = message
        story_id = None if isinstance(message, ServerState) else message.story_id
        for session in self.sessions if story_id is None else self._audience(story_id):
            session.post(message)

    def comes_back(self, session: Session) -> bool:
        """Whether a client waits for the next server when this one stops: its stories go on there."""
        return session.resumes and self._service.keeps_stories()

    def _leave_open(self, message: StoryClosed) -> None:
        """Tells the end of a story that the next server goes on with to those who cannot wait for that."""
        for session in self._audience(message.story_id):
            if not session.resumes:
                session.held[message.story_id] = message
                self.release_held(session)

    def expire(self, now: float) -> None:
        """Lets go of clients that did not come back, and of stories that nobody is there for."""
        self.sessions.expire(now)
        for story_id in self._ledger.forget(now, self._watchers.is_watched):
            self._watchers.forget_frames(story_id)
        if now < self._look_at:
            return
        self._look_at = now + min(1.0, self._alone_s / 2)
        for story_id in self._ledger.alone(now, self._alone_s, self._has_somebody):
            # Forgotten in this moment: whoever comes from now on has the host look for it.
            if self._service.suspend_story(story_id):
                self._ledger.remove(story_id)

    def _has_somebody(self, story_id: str, owner: str) -> bool:
        """Whether a story's owner is there, or kept a place, or anyone watches."""
        return self.sessions.of_client(owner) is not None or self._watchers.is_watched(story_id)

    def next_to_expire(self) -> float | None:
        """When :meth:`expire` has something to do."""
        due = [self.sessions.next_to_expire(), self._ledger.next_to_forget()]
        return min((moment for moment in due if moment is not None), default=None)

    def release_held(self, session: Session) -> None:
        """Posts each ``story_closed`` whose frames have all been sent, and ends the subscriptions."""
        for story_id in list(session.held):
            own = self._watchers.of_connection(session.routing_id)
            watchers = [watcher for watcher in own if watcher.story_id == story_id]
            if any(watcher.waiting for watcher in watchers):
                continue
            self._end_watching(session, story_id)

    def _end_watching(self, session: Session, story_id: str) -> None:
        """Posts a ``story_closed`` that was held, and ends the subscriptions to the story."""
        closed = session.held.pop(story_id, None)
        if closed is None:
            return
        for watcher in self._watchers.of_connection(session.routing_id):
            if watcher.story_id == story_id:
                self._watchers.remove(watcher.key)
                session.end_subscription(watcher.key[1])
        session.post(closed)

    def _audience(self, story_id: str) -> list[Session]:
        """The story's owner and watchers."""
        owner = self._ledger.owner_of(story_id)
        return [s for s in self.sessions if s.client_id == owner or s.watches(story_id)]
