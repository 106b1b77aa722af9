# SPDX-License-Identifier: Apache-2.0
"""A published frame's payloads: each made once for all watchers of the same format, and sent uncopied."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import zmq

from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.cores import usable_cores
from shotstream_bridge.fields import PixelFormat
from shotstream_bridge.frames import Frame, Pixels, encode_pixels

MOST_ENCODERS: Final = 4
"""Threads that encode. Pillow and numpy let go of the interpreter meanwhile."""


@dataclass(frozen=True, eq=False)
class Payload:
    """What is sent of a frame.

    Attributes:
        pixels: uint8 ``[size]``, contiguous.
        part: The same as a message part, which any number of connections can be sent without a copy.
    """

    pixels: Pixels
    part: zmq.Frame

    def checksum(self) -> int:
        """See :func:`~shotstream_bridge.checksum.fold_crc32`."""
        return fold_crc32(self.pixels)


class MadePayload(Protocol):
    """A payload that is there, or is being made: what a future of one offers."""

    def done(self) -> bool:
        """Whether it is there, or cannot be made."""
        ...

    def exception(self) -> BaseException | None:
        """Why it cannot be made, if it cannot."""
        ...

    def result(self, timeout: float | None = None) -> Payload:
        """The payload; waits for it if need be."""
        ...


class _AtOnce:
    """A payload that nobody has to wait for; a future would cost more than laying out raw pixels does."""

    __slots__ = ("_payload",)

    def __init__(self, payload: Payload) -> None:
        self._payload = payload

    def done(self) -> bool:
        return True

    def exception(self) -> None:
        return None

    def result(self, timeout: float | None = None) -> Payload:
        return self._payload


def make_payload(frame: Frame, pixel_format: PixelFormat, quality: int | None) -> Payload:
    """Lays a frame's pixels out; for ``rgb8`` without a copy."""
    pixels = np.ascontiguousarray(encode_pixels(frame.pixels, pixel_format, quality))
    return Payload(pixels, zmq.Frame(pixels.data, copy=False))


class Encoder:
    """Makes payloads on threads of its own: neither generation nor other clients wait for them.

    Args:
        done: Called, on such a thread, when a payload is there.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self.workers = max(1, min(MOST_ENCODERS, usable_cores()))
        self._done = done
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="shotstream-encode")

    def encode(self, frame: Frame, pixel_format: PixelFormat, quality: int | None) -> Future[Payload]:
        """Starts on a payload."""
        future = self._pool.submit(make_payload, frame, pixel_format, quality)
        future.add_done_callback(lambda _: self._done())
        return future

    def close(self) -> None:
        """Ends the threads; what was not begun is not made."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SharedPayloads:
    """A frame with the payloads made of it so far.

    Nothing is made of a frame that all watchers skip. Used by the endpoint's thread only.

    Args:
        frame: The published frame.
    """

    __slots__ = ("_checksums", "_payloads", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._payloads: dict[tuple[PixelFormat, int | None], MadePayload] = {}
        self._checksums: dict[tuple[PixelFormat, int | None], int] = {}

    def payload(self, pixel_format: PixelFormat, quality: int | None, encoder: Encoder) -> MadePayload:
        """The payload, begun if need be. That of ``rgb8`` is there at once."""
        key = (pixel_format, quality)
        made = self._payloads.get(key)
        if made is None:
            if pixel_format is PixelFormat.RGB8:
                made = _AtOnce(make_payload(self.frame, pixel_format, quality))
            else:
                made = encoder.encode(self.frame, pixel_format, quality)
            self._payloads[key] = made
        return made

    def checksum(self, pixel_format: PixelFormat, quality: int | None) -> int:
        """The checksum of a payload that is there."""
        key = (pixel_format, quality)
        checksum = self._checksums.get(key)
        if checksum is None:
            checksum = self._checksums[key] = self._payloads[key].result().checksum()
        return checksum
