# SPDX-License-Identifier: Apache-2.0
"""A ring of frames in shared memory: one writer, one reader, slots that are free again with their credits.

Layout, integers little-endian: ``SSRING01``, the token (16 bytes), up to byte 4,096 zeros; then the slots,
each with a head of 64 bytes and the payload behind it, padded to 64 bytes. A head is two numbers of eight
bytes: the frame's index times two plus one, and one more once the payload is whole; and the payload's size.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np

from shotstream_bridge.errors import FrameError, SharedMemoryError
from shotstream_bridge.fields import MemoryOffer
from shotstream_bridge.frames import Pixels
from shotstream_bridge.ring_memory import NamedMemory, open_named

MAGIC: Final = b"SSRING01"
START: Final = 4_096
HEAD: Final = 64
MOST_SLOTS: Final = 64
_TOKEN_BYTES: Final = 16


def ring_size(slots: int, slot_bytes: int) -> int:
    """Bytes of a ring."""
    return START + slots * _stride(slot_bytes)


def _stride(slot_bytes: int) -> int:
    return HEAD + -(-slot_bytes // HEAD) * HEAD


class RingWriter:
    """The server's end.

    Args:
        slots: Frames that are in it at most.
        slot_bytes: Largest payload.

    Raises:
        SharedMemoryError: There is not enough memory.

    Attributes:
        slots: As above.
        slot_bytes: As above.
        size: Bytes of memory in all.
    """

    def __init__(self, slots: int, slot_bytes: int) -> None:
        self.slots = slots
        self.slot_bytes = slot_bytes
        self.size = ring_size(slots, slot_bytes)
        self._token = secrets.token_bytes(_TOKEN_BYTES)
        self._memory = NamedMemory(self.size)
        self._bytes: Pixels | None = np.frombuffer(self._memory.map, np.uint8)
        self._bytes[: len(MAGIC)] = np.frombuffer(MAGIC, np.uint8)
        self._bytes[len(MAGIC) : len(MAGIC) + _TOKEN_BYTES] = np.frombuffer(self._token, np.uint8)
        self._next = 0

    def offer(self) -> MemoryOffer:
        """What the reader needs to open it."""
        return MemoryOffer(
            name=self._memory.name, token=self._token.hex(), slots=self.slots, slot_bytes=self.slot_bytes
        )

    def opened(self) -> None:
        """The reader has it, or never will: nobody else needs its name."""
        self._memory.unlink()

    def write(self, index: int, payload: Pixels) -> int:
        """Writes a frame to the next slot, which must be free; returns the slot.

        Args:
            index: The frame's number in its story.
            payload: uint8 ``[size]``, at most ``slot_bytes``.
        """
        assert self._bytes is not None  # noqa: S101 - a closed ring has no watcher
        slot = self._next
        self._next = (slot + 1) % self.slots
        start = START + slot * _stride(self.slot_bytes)
        head = self._bytes[start : start + 16].view("<u8")
        head[0] = 2 * index + 1
        self._bytes[start + HEAD : start + HEAD + payload.shape[0]] = payload
        head[1] = payload.shape[0]
        head[0] = 2 * index + 2
        return slot

    def close(self) -> None:
        """Lets go of the memory. May be called twice."""
        if self._bytes is None:
            return
        self._bytes = None
        self._memory.unlink()
        self._memory.map.close()


class RingReader:
    """The client's end.

    Args:
        offer: What the server announced.

    Raises:
        SharedMemoryError: It is not there, not this user's alone, or not what was announced.
    """

    def __init__(self, offer: MemoryOffer) -> None:
        self._slots = offer.slots
        self._slot_bytes = offer.slot_bytes
        size = ring_size(offer.slots, offer.slot_bytes)
        self._map = open_named(offer.name, size)
        self._bytes: Pixels | None = np.frombuffer(self._map, np.uint8)
        expected = MAGIC + bytes.fromhex(offer.token)
        if self._bytes[: len(expected)].tobytes() != expected:
            self.close()
            raise SharedMemoryError(f"shared memory {offer.name} is not the server's")

    def read(self, slot: int, index: int, size: int) -> Pixels:
        """Copies a frame out.

        Args:
            slot: Where it is.
            index: Its number in its story.
            size: Bytes of its payload.

        Returns:
            uint8 ``[size]``, which owns its memory.

        Raises:
            FrameError: The slot holds another frame, or half of one: its writer has died, or this client has
                granted a credit for a frame that it had not read.
        """
        if self._bytes is None or slot >= self._slots or size > self._slot_bytes:
            raise FrameError(f"frame {index}: there is no slot {slot} of {size} bytes in shared memory")
        start = START + slot * _stride(self._slot_bytes)
        head = self._bytes[start : start + 16].view("<u8")
        before = (int(head[0]), int(head[1]))
        payload = self._bytes[start + HEAD : start + HEAD + size].copy()
        if before != (2 * index + 2, size) or int(head[0]) != before[0]:
            raise FrameError(f"frame {index}: slot {slot} of the shared memory holds something else")
        return payload

    def close(self) -> None:
        """Lets go of the memory. May be called twice."""
        if self._bytes is not None:
            self._bytes = None
            self._map.close()
