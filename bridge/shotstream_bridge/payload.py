# SPDX-License-Identifier: Apache-2.0
"""A published frame's payloads: made when first sent, once for all watchers of the same format."""

from __future__ import annotations

from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.fields import PixelFormat
from shotstream_bridge.frames import Frame, Pixels, encode_pixels


class SharedPayloads:
    """A frame with the payloads made of it so far.

    Made on the endpoint's thread, not on the generator's, and not at all for a frame that all watchers
    skip. Used by the endpoint's thread only.

    Args:
        frame: The published frame.
    """

    __slots__ = ("_made", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._made: dict[tuple[PixelFormat, int | None], tuple[Pixels, int]] = {}

    def get(self, pixel_format: PixelFormat, quality: int | None) -> tuple[Pixels, int]:
        """The payload, uint8 ``[size]``, and its checksum."""
        made = self._made.get((pixel_format, quality))
        if made is None:
            payload = encode_pixels(self.frame.pixels, pixel_format, quality)
            made = self._made[pixel_format, quality] = (payload, fold_crc32(payload))
        return made
