# SPDX-License-Identifier: Apache-2.0
"""Where a pass over the network finds and leaves keys and values in the cache's buffers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from shotstream_runtime.model import CacheSpan


class CacheSlots(Protocol):
    """The buffers of a dual cache, as a network reads and writes them."""

    def enter(self, span: CacheSpan) -> None:
        """Makes the slots of a chunk ready to be written; again for the same chunk, nothing changes."""
        ...

    def write_slot(self, span: CacheSpan) -> int:
        """First token slot that a pass writes."""
        ...

    def key_length(self, span: CacheSpan) -> int:
        """Leading keys that a pass attends to, as its network orders them."""
        ...

    def destination(self, name: str, span: CacheSpan) -> Tensor:
        """Memory of the output that stores into a cache buffer."""
        ...


class InPlaceSlots:
    """Buffers ``[1, heads, slots, head_dim]`` that the network writes by slot number.

    Args:
        buffers: By name of the cache tensor.
    """

    def __init__(self, buffers: dict[str, Tensor]) -> None:
        self._buffers = buffers

    def enter(self, span: CacheSpan) -> None:
        """See `CacheSlots.enter`."""

    def write_slot(self, span: CacheSpan) -> int:
        """See `CacheSlots.write_slot`."""
        return span.start

    def key_length(self, span: CacheSpan) -> int:
        """See `CacheSlots.key_length`."""
        return span.keys

    def destination(self, name: str, span: CacheSpan) -> Tensor:
        """See `CacheSlots.destination`."""
        del span
        return self._buffers[name]


class PrefixSlots:
    """Buffers ``[1, slots, heads, head_dim]`` of which a network attends to ``[its own | the first n]``.

    What a pass is to read beside its own has to come first, so what it writes has to come last. Once the
    window is full the oldest chunk is somewhere in the middle: the last chunk moves into its place. Attention
    does not care about the order of keys.

    Args:
        buffers: By name of the cache tensor.
        full_keys: Keys that a pass attends to once the window is full.
    """

    def __init__(self, buffers: dict[str, Tensor], full_keys: int) -> None:
        self._buffers = buffers
        self._full_keys = full_keys
        self._moved: dict[int, int] = {}
        """First slot of a span, as the ring has it: where it really is. Others are where they should be."""

    def enter(self, span: CacheSpan) -> None:
        """See `CacheSlots.enter`."""
        if span.keys < self._full_keys:
            # The window is not full, so the chunk is the last one: a shot has begun since anything moved.
            self._moved.clear()
            return
        size = span.stop - span.start
        last = span.keys - size
        place = self._place(span)
        if place == last:
            return
        for buffer in self._buffers.values():
            buffer[:, place : place + size].copy_(buffer[:, last : last + size])
        occupant = next(start for start in (last, *self._moved) if self._moved.get(start, start) == last)
        self._moved[occupant] = place
        self._moved[span.start] = last

    def write_slot(self, span: CacheSpan) -> int:
        """See `CacheSlots.write_slot`."""
        return self._place(span)

    def key_length(self, span: CacheSpan) -> int:
        """See `CacheSlots.key_length`: as many as in the cache's own order."""
        return span.keys

    def destination(self, name: str, span: CacheSpan) -> Tensor:
        """See `CacheSlots.destination`."""
        place = self._place(span)
        return self._buffers[name][:, place : place + span.stop - span.start]

    def _place(self, span: CacheSpan) -> int:
        return self._moved.get(span.start, span.start)
