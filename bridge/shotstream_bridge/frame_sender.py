# SPDX-License-Identifier: Apache-2.0
"""Frames to the watchers that are due one: encoded elsewhere, sent in order."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Final, NamedTuple

import zmq

from shotstream_bridge.codec import encode_frame_header
from shotstream_bridge.dispatcher import Dispatcher
from shotstream_bridge.errors import ErrorCode
from shotstream_bridge.fields import WatchMode
from shotstream_bridge.payload import Encoder, MadePayload
from shotstream_bridge.replies import Error
from shotstream_bridge.sender import Sender
from shotstream_bridge.session import Session
from shotstream_bridge.watchers import Delivery, Watcher, Watchers

_log: Final = logging.getLogger(__name__)

ROUNDS_PER_TURN: Final = 16
"""Frames sent to each watcher before arrivals are looked at again."""


class _Pending(NamedTuple):
    """A frame whose credit is spent and whose payload is being made."""

    delivery: Delivery
    payload: MadePayload


class FrameSender:
    """Sends frames. Belongs to the endpoint's thread.

    Args:
        dispatcher: The protocol's state.
        watchers: All subscriptions.
        sender: Sends messages.
        encoder: Makes payloads.
    """

    def __init__(self, dispatcher: Dispatcher, watchers: Watchers, sender: Sender, encoder: Encoder) -> None:
        self._dispatcher = dispatcher
        self._sessions = dispatcher.sessions
        self._watchers = watchers
        self._sender = sender
        self._encoder = encoder
        self._counters = dispatcher.counters
        self._pending: dict[Watcher, deque[_Pending]] = {}

    @property
    def idle(self) -> bool:
        """Whether no payload is being made."""
        return not self._pending

    def is_ready(self) -> bool:
        """Whether :meth:`send_due` would do something now."""
        return self._watchers.any_ready(self._sender.blocked, self._has_enough)

    def send_due(self, now: float) -> None:
        """Sends one frame after the other to everyone who is due one."""
        self._send_made(now)
        for _ in range(ROUNDS_PER_TURN):
            due = self._watchers.due(self._sender.blocked, self._has_enough)
            if not due:
                return
            for delivery in due:
                self._begin(delivery, now)

    def _has_enough(self, watcher: Watcher) -> bool:
        """Whether as much is on its way to a watcher as is of use."""
        if watcher.ring_full:
            return True
        pending = self._pending.get(watcher)
        if pending is None:
            return False
        # Those that are being made will need a slot each.
        if watcher.ring is not None and watcher.in_flight + len(pending) >= watcher.ring.slots:
            return True
        # A live watcher is to get the newest frame there is once the encoder is free for it.
        return watcher.mode is WatchMode.LATEST or len(pending) >= 2 * self._encoder.workers

    def _begin(self, delivery: Delivery, now: float) -> None:
        watcher = delivery.watcher
        payload = delivery.payloads.payload(watcher.pixel_format, watcher.quality, self._encoder)
        waiting = self._pending.get(watcher)
        if waiting is None and payload.done():
            self._send(delivery, payload, now)
            return
        if waiting is None:
            waiting = self._pending[watcher] = deque()
            self._watchers.set_making(watcher, True)
        waiting.append(_Pending(delivery, payload))

    def _send_made(self, now: float) -> None:
        """Sends what has been made meanwhile, each watcher's in order."""
        for watcher, waiting in list(self._pending.items()):
            route = watcher.key[0]
            while waiting and waiting[0].payload.done() and route not in self._sender.blocked:
                self._send(*waiting.popleft(), now)
            if not waiting or self._watchers.get(watcher.key) is not watcher:
                del self._pending[watcher]
                self._watchers.set_making(watcher, False)
                session = self._sessions.at(route)
                if session is not None and session.held:
                    self._dispatcher.release_held(session)

    def _send(self, delivery: Delivery, payload: MadePayload, now: float) -> None:
        watcher = delivery.watcher
        session = self._sessions.at(watcher.key[0])
        if session is None or self._watchers.get(watcher.key) is not watcher:
            return
        failure = payload.exception()
        if failure is not None:
            self._give_up(session, watcher, failure)
            return
        watcher.in_flight += 1
        made = payload.result()
        slot = None
        # A frame of another size than the story's comes over the connection.
        if watcher.ring is not None and made.pixels.shape[0] <= watcher.ring.slot_bytes:
            slot = watcher.ring.write(delivery.payloads.frame.index, made.pixels)
        parts: list[bytes | zmq.Frame] = [self._header(delivery, slot)]
        if slot is None:
            parts.append(made.part)
        if not self._sender.send(session, parts, now):
            # Its credit is spent: it leaves first when the connection takes messages again.
            session.outbox.append(parts)
        self._counters.frame_sent(
            watcher.mode,
            made.pixels.nbytes,
            memory=slot is not None,
            skipped=delivery.skipped,
            age_s=(time.monotonic_ns() - delivery.payloads.frame.created_ns) / 1e9,
        )
        if session.held:
            self._dispatcher.release_held(session)

    def _header(self, delivery: Delivery, slot: int | None) -> bytes:
        watcher = delivery.watcher
        checksum = None
        if watcher.checksum:
            checksum = delivery.payloads.checksum(watcher.pixel_format, watcher.quality)
        return encode_frame_header(
            delivery.payloads.frame,
            subscription=watcher.key[1],
            skipped=delivery.skipped,
            pixel_format=watcher.pixel_format,
            checksum=checksum,
            slot=slot,
        )

    def _give_up(self, session: Session, watcher: Watcher, failure: BaseException) -> None:
        """A subscription whose frames cannot be made ends; others, and the story, go on."""
        number, form = watcher.key[1], watcher.pixel_format.value
        ids = {"client": session.client_id, "story": watcher.story_id}
        _log.error("no frame of story %s can be made %s", watcher.story_id, form, exc_info=failure, extra=ids)
        self._watchers.remove(watcher.key)
        session.end_subscription(number)
        reason = f"subscription {number} has ended: its frames cannot be made {form} ({failure}); use another"
        session.post(
            Error(
                code=ErrorCode.INTERNAL.value,
                field="format",
                reason=reason[:4_000],
                retryable=False,
                story_id=watcher.story_id,
            )
        )
