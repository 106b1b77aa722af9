# SPDX-License-Identifier: Apache-2.0
"""Frames of before, read for subscriptions that begin further back than what is kept.

That happens on threads of its own. For each such subscription one read is under way at a time, and no more is
read than it is about to be sent, so that memory does not grow with how far back it begins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.service import EarlierFrames
from shotstream_bridge.watchers import Watcher, Watchers

_log: Final = logging.getLogger(__name__)

READERS: Final = 2
ENOUGH_FRAMES: Final = 12
"""Frames that wait for a subscription of which no more are read for it."""


class CatchingUp:
    """Reads for everyone who is behind. Belongs to the endpoint's thread.

    Args:
        watchers: All subscriptions.
        read: Reads frames of a story, the first one given, on a thread of its own.
        wake: Called, on such a thread, when frames are there.
    """

    def __init__(
        self, watchers: Watchers, read: Callable[[str, int], EarlierFrames], wake: Callable[[], None]
    ) -> None:
        self._watchers = watchers
        self._read = read
        self._wake = wake
        self._reading: dict[Watcher, Future[EarlierFrames]] = {}
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="shotstream-archive")

    def advance(self) -> list[tuple[Watcher, str | None]]:
        """Hands over what has been read, and reads on.

        Returns:
            The watchers for whom something has changed, each with what was damaged, if anything was.
        """
        changed: list[tuple[Watcher, str | None]] = []
        for watcher, future in list(self._reading.items()):
            if future.done():
                del self._reading[watcher]
                changed.append((watcher, self._hand_over(watcher, future)))
        for watcher in self._watchers.behind():
            if watcher in self._reading:
                continue
            before = watcher.waiting_frames
            first = self._watchers.feed(watcher, ENOUGH_FRAMES, ENOUGH_FRAMES)
            if first is not None:
                future = self._pool.submit(self._read, watcher.story_id, first)
                self._reading[watcher] = future
                future.add_done_callback(lambda _: self._wake())
            elif watcher.waiting_frames != before:
                changed.append((watcher, None))
        return changed

    def close(self) -> None:
        """Ends the threads; what was not begun is not read."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self, watcher: Watcher, future: Future[EarlierFrames]) -> str | None:
        try:
            earlier = future.result()
        except Exception as error:  # noqa: BLE001 - the host's fault must not take the other clients down
            _log.exception("the service failed to read frames of story %s", watcher.story_id)
            earlier = EarlierFrames((), 0, f"frames cannot be read: {error}")
        frames = [SharedPayloads(frame) for frame in earlier.frames]
        self._watchers.read(watcher, frames, earlier.next_index)
        return earlier.damage
