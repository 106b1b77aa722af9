# SPDX-License-Identifier: Apache-2.0
"""A published frame's payloads: made when first sent, once for all watchers of the same format."""

from __future__ import annotations

import numpy as np
import zmq

from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.fields import PixelFormat
from shotstream_bridge.frames import Frame, encode_pixels


class SharedPayloads:
    """A frame with the payloads made of it so far.

    Made on the endpoint's thread, not on the generator's, and not at all for a frame that all watchers
    skip. Used by the endpoint's thread only.

    Args:
        frame: The published frame.
    """

    __slots__ = ("_checksums", "_parts", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._parts: dict[tuple[PixelFormat, int | None], zmq.Frame] = {}
        self._checksums: dict[tuple[PixelFormat, int | None], int] = {}

    def part(self, pixel_format: PixelFormat, quality: int | None) -> zmq.Frame:
        """The payload as a message part, which any number of connections can be sent without a copy."""
        key = (pixel_format, quality)
        part = self._parts.get(key)
        if part is None:
            payload = encode_pixels(self.frame.pixels, pixel_format, quality)
            part = self._parts[key] = zmq.Frame(payload.data, copy=False)
        return part

    def checksum(self, pixel_format: PixelFormat, quality: int | None) -> int:
        """The payload's checksum."""
        key = (pixel_format, quality)
        checksum = self._checksums.get(key)
        if checksum is None:
            payload = np.frombuffer(self.part(pixel_format, quality).buffer, np.uint8)
            checksum = self._checksums[key] = fold_crc32(payload)
        return checksum
