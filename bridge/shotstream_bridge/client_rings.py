# SPDX-License-Identifier: Apache-2.0
"""The shared memory of a client's subscriptions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from shotstream_bridge.errors import FrameError, SharedMemoryError
from shotstream_bridge.fields import MemoryOffer
from shotstream_bridge.frames import RAW_CHANNELS, Pixels
from shotstream_bridge.replies import FrameHeader, Subscribed
from shotstream_bridge.shared_ring import RingReader

_log: Final = logging.getLogger(__name__)

OpenRing = Callable[[MemoryOffer], RingReader]


class ClientRings:
    """Opened rings by subscription.

    Args:
        open_ring: Opens the server's shared memory.
    """

    def __init__(self, open_ring: OpenRing = RingReader) -> None:
        self._open_ring = open_ring
        self._rings: dict[int, RingReader] = {}

    def __contains__(self, subscription: int) -> bool:
        return subscription in self._rings

    def take(self, message: Subscribed) -> bool | None:
        """Opens what the server offers for a subscription.

        Returns:
            Whether it could be opened; None if nothing was offered.
        """
        number = message.subscription
        self.drop(number)
        if message.memory is None:
            return None
        try:
            self._rings[number] = self._open_ring(message.memory)
        except SharedMemoryError as error:
            # On another host after all, behind a tunnel, or another user: frames come over the connection.
            _log.info("subscription %d goes without shared memory: %s", number, error)
        return number in self._rings

    def read(self, header: FrameHeader) -> Pixels:
        """The payload of a frame that is in shared memory, as a copy.

        Raises:
            FrameError: It is not there.
        """
        ring = self._rings.get(header.subscription)
        if ring is None or header.slot is None:
            raise FrameError(f"frame {header.index} is in shared memory, which this client has not opened")
        size = header.width * header.height * RAW_CHANNELS.get(header.format, 0)
        return ring.read(header.slot, header.index, size)

    def drop(self, subscription: int) -> None:
        """A subscription has ended, or begins again."""
        ring = self._rings.pop(subscription, None)
        if ring is not None:
            ring.close()

    def drop_all(self) -> None:
        """The connection has ended."""
        for number in list(self._rings):
            self.drop(number)
