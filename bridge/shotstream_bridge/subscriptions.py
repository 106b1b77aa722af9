# SPDX-License-Identifier: Apache-2.0
"""The requests about subscriptions: begin, grant, shared memory, end. No sockets."""

from __future__ import annotations

from shotstream_bridge.errors import ErrorCode, RequestRejected, SharedMemoryError
from shotstream_bridge.fields import EndpointLimits
from shotstream_bridge.flow import CatchingUpFlow, FrameFlow, open_flow
from shotstream_bridge.frames import why_not_encodable
from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.replies import Notice, Subscribed
from shotstream_bridge.requests import GrantCredits, MemoryOpened, Subscribe, Unsubscribe
from shotstream_bridge.session import Session
from shotstream_bridge.shared_ring import RingWriter
from shotstream_bridge.story_ledger import StoryLedger, unknown_story
from shotstream_bridge.watchers import Watcher, Watchers


class Subscriptions:
    """Who may watch what, and how. Belongs to the endpoint's thread, except for ``watchers``.

    Args:
        watchers: All subscriptions.
        ledger: The stories.
        limits: What each connection may do.
    """

    def __init__(self, watchers: Watchers, ledger: StoryLedger, limits: EndpointLimits) -> None:
        self._watchers = watchers
        self._ledger = ledger
        self._limits = limits

    def begin(self, session: Session, message: Subscribe) -> None:
        """Starts a subscription and answers it.

        Raises:
            RequestRejected: There is no such story, or the connection may not have it.
        """
        number = message.subscription
        # A story that ended a moment ago may still be seen to its end, by who comes back for it.
        known = self._ledger.get(message.story_id) is not None and message.from_frame is not None
        if not (known or self._ledger.is_open(message.story_id)):
            raise unknown_story(message.story_id)
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

    def memory_opened(self, session: Session, message: MemoryOpened) -> None:
        """The client says whether it has the shared memory."""
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
        def make(earlier: list[SharedPayloads], first: int, behind: bool) -> Watcher:
            limits = self._limits
            flow: FrameFlow
            if behind:
                flow = CatchingUpFlow(message.credits, limits.credits, limits.backlog_frames, first)
            else:
                flow = open_flow(
                    message.mode,
                    message.credits,
                    credit_limit=limits.credits,
                    capacity=limits.backlog_frames,
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

    def grant(self, session: Session, message: GrantCredits) -> None:
        """Adds credits.

        Raises:
            RequestRejected: There is no such subscription, or they are too many.
        """
        number = message.subscription
        granted = self._watchers.grant((session.routing_id, number), message.credits)
        if not granted and number not in session.ended:
            raise _no_subscription(number)

    def end(self, session: Session, message: Unsubscribe) -> None:
        """Ends a subscription.

        Raises:
            RequestRejected: There never was one of this number.
        """
        number = message.subscription
        if number not in session.subscriptions and number not in session.ended:
            raise _no_subscription(number)
        self._watchers.remove((session.routing_id, number))
        session.end_subscription(number)


def _no_subscription(number: int) -> RequestRejected:
    return RequestRejected(
        ErrorCode.UNKNOWN_SUBSCRIPTION,
        f"there is no subscription {number} on this connection; subscribe first",
        field="subscription",
    )
