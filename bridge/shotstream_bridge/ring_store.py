# SPDX-License-Identifier: Apache-2.0
"""The rings of an endpoint, within a budget."""

from __future__ import annotations

import logging
from typing import Final

from shotstream_bridge.errors import SharedMemoryError
from shotstream_bridge.fields import PixelFormat
from shotstream_bridge.frames import RAW_CHANNELS
from shotstream_bridge.replies import StoryOpened
from shotstream_bridge.requests import Subscribe
from shotstream_bridge.ring_memory import sweep
from shotstream_bridge.shared_ring import MOST_SLOTS, RingWriter, ring_size

_log: Final = logging.getLogger(__name__)


class RingStore:
    """Makes rings. Belongs to the endpoint's thread.

    Args:
        budget: Bytes of shared memory in all.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._rings: list[RingWriter] = []

    def sweep(self) -> None:
        """Frees what servers that died have left behind."""
        swept = sweep()
        if swept:
            _log.info("freed %d pieces of shared memory that a server which died had left", swept)

    def make(self, request: Subscribe, story: StoryOpened, *, local: bool) -> RingWriter:
        """Makes the ring for a subscription: a slot for each credit, up to 64.

        Raises:
            SharedMemoryError: There is none for it.
        """
        if not local:
            raise SharedMemoryError("the client is on another host")
        slots = min(request.credits, MOST_SLOTS)
        slot_bytes = story.width * story.height * RAW_CHANNELS[PixelFormat(request.format)]
        taken = sum(ring.size for ring in self._rings)
        size = ring_size(slots, slot_bytes)
        if taken + size > self._budget:
            raise SharedMemoryError(
                f"{size} bytes are needed and {taken} in use; memory_bytes is {self._budget}; "
                "use fewer credits"
            )
        ring = RingWriter(slots, slot_bytes)
        self._rings.append(ring)
        return ring

    def release(self, ring: RingWriter) -> None:
        """Frees a ring."""
        if ring in self._rings:
            self._rings.remove(ring)
        ring.close()

    def close(self) -> None:
        """Frees all rings."""
        for ring in list(self._rings):
            self.release(ring)
