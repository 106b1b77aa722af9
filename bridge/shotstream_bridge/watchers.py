# SPDX-License-Identifier: Apache-2.0
"""Who watches which story, and the frames that wait for them: shared by publishers and the endpoint."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import NamedTuple

from shotstream_bridge.errors import BacklogOverflowError
from shotstream_bridge.fields import PixelFormat, WatchMode
from shotstream_bridge.flow import CatchingUpFlow, FrameFlow
from shotstream_bridge.frame_memory import FrameMemory
from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.ring_store import RingStore
from shotstream_bridge.shared_ring import RingWriter

WatcherKey = tuple[bytes, int]
"""Routing id of the connection and the client's number for the subscription."""


@dataclass(eq=False)
class Watcher:
    """One subscription.

    Attributes:
        key: Connection and subscription number.
        story_id: The story watched.
        pixel_format: Layout of the payloads.
        quality: For JPEG, 1 to 100.
        checksum: Whether frames carry their checksum.
        flow: What waits, and the credits.
        mode: ``every`` or ``latest``.
        first_frame: Frames before this number are not for it.
        making: Whether payloads that it is due are being made.
        ring: Shared memory for its payloads.
        ring_opened: Whether its client has that; until then nothing is sent.
        in_flight: Frames sent that it has not granted credits for.
    """

    key: WatcherKey
    story_id: str
    pixel_format: PixelFormat
    quality: int | None
    checksum: bool
    flow: FrameFlow
    mode: WatchMode
    first_frame: int = 0
    making: bool = False
    ring: RingWriter | None = None
    ring_opened: bool = False
    in_flight: int = 0

    @property
    def ring_full(self) -> bool:
        """Whether a frame has nowhere to go in shared memory."""
        return self.ring is not None and (not self.ring_opened or self.in_flight >= self.ring.slots)

    @property
    def waiting_frames(self) -> int:
        """Frames it is yet to be sent, of those in its backlog; one more while it has to catch up."""
        return self.flow.waiting

    @property
    def waiting(self) -> bool:
        """Whether it is yet to be sent a frame that exists."""
        return self.making or bool(self.flow.waiting)


class Delivery(NamedTuple):
    """A frame that one watcher is due."""

    watcher: Watcher
    payloads: SharedPayloads
    skipped: int


class Watchers:
    """All subscriptions of an endpoint, and the newest frames. Every method is thread-safe.

    Args:
        kept_bytes: Bytes of frames to keep for clients that come back.
        memory_bytes: Bytes of shared memory for subscriptions.

    Attributes:
        rings: Shared memory; for the endpoint's thread only.
    """

    def __init__(self, kept_bytes: int = 0, memory_bytes: int = 0) -> None:
        self._changed = threading.Condition()
        self._memory = FrameMemory(kept_bytes, self._unconfirmed)
        self.rings = RingStore(memory_bytes)
        self._by_story: dict[str, dict[WatcherKey, Watcher]] = {}
        self._by_key: dict[WatcherKey, Watcher] = {}
        self._behind: dict[WatcherKey, Watcher] = {}

    def add(self, watcher: Watcher) -> None:
        """Starts a subscription with the next frame published."""
        with self._changed:
            self._by_key[watcher.key] = watcher
            self._by_story.setdefault(watcher.story_id, {})[watcher.key] = watcher

    def add_from(
        self, story_id: str, index: int | None, make: Callable[[list[SharedPayloads], int, bool], Watcher]
    ) -> int:
        """Starts a subscription, with frames that exist already as far as they are wanted and can be had.

        Args:
            story_id: The story.
            index: The first frame wanted; None for the next one.
            make: Makes the watcher from the frames kept, the number of the first it will get, and whether
                it has to catch up with frames of before that are archived.

        Returns:
            The number of the first frame it will get: the one wanted, or the oldest one after it that can be
            had.
        """
        with self._changed:
            following = self._memory.next_index(story_id)
            wanted = following if index is None else index
            oldest = self._memory.first(story_id)
            if wanted < following and self._memory.is_archived(story_id) and (oldest or following) > wanted:
                watcher = make([], wanted, True)
                self.add(watcher)
                self._behind[watcher.key] = watcher
                return wanted
            kept = self._memory.since(story_id, wanted)
            first = kept[0].index if kept else max(wanted, following)
            self.add(make([SharedPayloads(frame) for frame in kept], first, False))
            return first

    def begin(self, story_id: str, index: int) -> None:
        """A story goes on with a frame number; those before it are archived, and so will be the others."""
        with self._changed:
            self._memory.begin(story_id, index)

    def archive(self, story_id: str, index: int) -> None:
        """A story's frames are archived up to a number."""
        with self._changed:
            self._memory.archive(story_id, index)

    def start_over(self, story_id: str) -> None:
        """Another story has the name of an earlier one."""
        with self._changed:
            self._memory.start_over(story_id)

    def is_watched(self, story_id: str) -> bool:
        """Whether there is a subscription to a story."""
        with self._changed:
            return bool(self._by_story.get(story_id))

    def behind(self) -> list[Watcher]:
        """Who has to catch up."""
        with self._changed:
            return list(self._behind.values())

    def feed(self, watcher: Watcher, enough: int, batch: int) -> int | None:
        """Gives a watcher that is behind the frames that are kept; it may catch up with that.

        Args:
            watcher: The watcher.
            enough: Frames in its backlog of which it needs no more.
            batch: How many to give at once.

        Returns:
            The frame to read from the archive for it; None: it needs none.
        """
        with self._changed:
            flow = watcher.flow
            if self._behind.get(watcher.key) is not watcher or not isinstance(flow, CatchingUpFlow):
                return None
            if flow.buffered >= enough:
                return None
            wanted, oldest = flow.next_index, self._memory.first(watcher.story_id)
            left = self._memory.next_index(watcher.story_id) - wanted
            if left > 0 and (oldest is None or oldest > wanted):
                return wanted
            kept = [SharedPayloads(frame) for frame in self._memory.since(watcher.story_id, wanted)]
            if left > flow.capacity // 2:
                flow.add(kept[:batch], wanted + batch)
                return None
            flow.catch_up(kept)
            del self._behind[watcher.key]
            return None

    def read(self, watcher: Watcher, frames: list[SharedPayloads], next_index: int) -> None:
        """Gives a watcher that is behind what was read for it from the archive."""
        with self._changed:
            flow = watcher.flow
            if self._behind.get(watcher.key) is not watcher or not isinstance(flow, CatchingUpFlow):
                return
            if next_index <= flow.next_index:
                # The archive has nothing more: what is not kept either is lost.
                oldest = self._memory.first(watcher.story_id)
                if oldest is None:
                    oldest = self._memory.next_index(watcher.story_id)
                next_index = max(oldest, flow.next_index)
            flow.add(frames, next_index)

    def kept(self, story_id: str) -> tuple[int | None, int]:
        """The number of the oldest frame that can be had of a story, and of its next frame."""
        with self._changed:
            following = self._memory.next_index(story_id)
            if self._memory.is_archived(story_id) and following:
                return 0, following
            return self._memory.first(story_id), following

    def forget_frames(self, story_id: str) -> None:
        """Nobody comes back for a story any more."""
        with self._changed:
            self._memory.forget(story_id)

    def remove(self, key: WatcherKey) -> Watcher | None:
        """Ends a subscription and drops what waits for it; generation no longer waits for it."""
        with self._changed:
            self._behind.pop(key, None)
            watcher = self._by_key.pop(key, None)
            if watcher is None:
                return None
            watchers = self._by_story[watcher.story_id]
            del watchers[key]
            if not watchers:
                del self._by_story[watcher.story_id]
            if watcher.ring is not None:
                self.rings.release(watcher.ring)
            self._changed.notify_all()
            return watcher

    def get(self, key: WatcherKey) -> Watcher | None:
        """The subscription, while it lasts."""
        with self._changed:
            return self._by_key.get(key)

    def of_story(self, story_id: str) -> list[Watcher]:
        """Who watches a story."""
        with self._changed:
            return list(self._by_story.get(story_id, {}).values())

    def loads(self) -> dict[str, tuple[int, int]]:
        """By story that is watched: its subscriptions, and the frames that wait for the slowest of them."""
        with self._changed:
            return {
                story_id: (len(watchers), max(watcher.flow.waiting for watcher in watchers.values()))
                for story_id, watchers in self._by_story.items()
            }

    def modes(self) -> dict[str, int]:
        """How many subscriptions there are of each mode."""
        with self._changed:
            counted = Counter(watcher.mode.value for watcher in self._by_key.values())
            return {mode.value: counted[mode.value] for mode in WatchMode}

    def of_connection(self, routing_id: bytes) -> list[Watcher]:
        """What a connection watches."""
        with self._changed:
            return [watcher for key, watcher in self._by_key.items() if key[0] == routing_id]

    def offer(self, payloads: SharedPayloads) -> bool:
        """Hands a published frame to every watcher of its story.

        Returns:
            Whether any of them can be sent a frame now.

        Raises:
            BacklogOverflowError: A backlog has no room; no watcher got the frame.
        """
        with self._changed:
            watchers = self._by_story.get(payloads.frame.story_id, {})
            for watcher in watchers.values():
                try:
                    watcher.flow.check_room()
                except BacklogOverflowError as error:
                    raise BacklogOverflowError(f"story {watcher.story_id}: {error}") from error
            ready = False
            for watcher in watchers.values():
                if payloads.frame.index < watcher.first_frame:
                    continue
                watcher.flow.offer(payloads)
                ready = ready or watcher.flow.ready
            # Last: what a watcher has just been offered is pinned.
            self._memory.keep(payloads.frame)
            return ready

    def grant(self, key: WatcherKey, credits: int) -> bool:
        """Adds credits; False when there is no such subscription.

        Raises:
            RequestRejected: ``too_many_credits``.
        """
        with self._changed:
            watcher = self._by_key.get(key)
            if watcher is None:
                return False
            watcher.flow.grant(credits)
            watcher.in_flight = max(0, watcher.in_flight - credits)
            return True

    def due(self, blocked: Container[bytes], has_enough: Callable[[Watcher], bool]) -> list[Delivery]:
        """One frame for every watcher that has a credit and whose connection is not blocked.

        Args:
            blocked: Routing ids of connections that take nothing at the moment.
            has_enough: Whether a watcher is to wait for what is being made for it.
        """
        deliveries = []
        with self._changed:
            for watcher in self._by_key.values():
                flow = watcher.flow
                if not flow.ready or watcher.key[0] in blocked or has_enough(watcher):
                    continue
                paused = not flow.wants_frames
                taken = flow.take()
                if taken is not None:
                    deliveries.append(Delivery(watcher, *taken))
                if paused and flow.wants_frames:
                    self._changed.notify_all()
        return deliveries

    def any_ready(self, blocked: Container[bytes], has_enough: Callable[[Watcher], bool]) -> bool:
        """Whether :meth:`due` would give a frame."""
        with self._changed:
            return any(
                watcher.flow.ready and watcher.key[0] not in blocked and not has_enough(watcher)
                for watcher in self._by_key.values()
            )

    def set_making(self, watcher: Watcher, making: bool) -> None:
        """Says whether payloads are being made for a watcher."""
        with self._changed:
            watcher.making = making

    def wants_frames(self, story_id: str) -> bool:
        """False while the backlog of an ``every`` watcher of the story is full."""
        with self._changed:
            return self._wants(story_id)

    def wait_wants_frames(self, story_id: str, timeout: float | None) -> bool:
        """Waits until :meth:`wants_frames`.

        Args:
            story_id: The story.
            timeout: Seconds; ``None`` for no limit.

        Returns:
            False when the time is over.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._wants(story_id), timeout)

    def close(self) -> None:
        """Drops everything and lets go of whoever waits: nobody is left to wait for."""
        with self._changed:
            self._by_story.clear()
            self._by_key.clear()
            self._behind.clear()
            self.rings.close()
            self._changed.notify_all()

    def _unconfirmed(self, story_id: str) -> int | None:
        watchers = self._by_story.get(story_id, {}).values()
        indices = [w.flow.unconfirmed for w in watchers]
        return min((index for index in indices if index is not None), default=None)

    def _wants(self, story_id: str) -> bool:
        watchers = self._by_story.get(story_id)
        return not watchers or all(watcher.flow.wants_frames for watcher in watchers.values())
