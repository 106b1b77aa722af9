# SPDX-License-Identifier: Apache-2.0
"""Frames: what a host publishes, how pixels become a payload, and what a client receives."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.errors import FrameError
from shotstream_bridge.messages import FrameHeader, PixelFormat

# Pillow is imported where a picture file is made or read: programs that bring the bridge along and use raw
# frames, as Blender does, need not bring Pillow.
Pixels = npt.NDArray[np.uint8]

DEFAULT_QUALITY: Final = 90
"""Of JPEG and WebP."""
WEBP_EFFORT: Final = 0
"""WebP's method, 0 to 6: the higher ones take several times as long and save little at this quality."""
PNG_ZLIB_LEVEL: Final = 1
"""PNG is lossless at every level; the first is several times as fast as the usual sixth."""

LARGEST_SIDE: Final = {PixelFormat.JPEG: 65_500, PixelFormat.WEBP: 16_383}
"""Pixels. libjpeg's JPEG_MAX_DIMENSION and libwebp's WEBP_MAX_DIMENSION."""
RAW_CHANNELS: Final = {PixelFormat.RGB8: 3, PixelFormat.BGRA8: 4}
MAX_FRAME_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class Frame:
    """One generated picture. Its pixels must not change after it is published: they are sent without a copy.

    Attributes:
        story_id: The story.
        shot: The shot, counted from 0.
        index: Number in the story, from 0.
        index_in_shot: Number in the shot, from 0.
        chunk: Chunk in the shot, from 0.
        pts_s: Time in the story, seconds.
        beat_id: The beat that was in force.
        seed: The story's seed.
        pixels: uint8 ``[height, width, 3]``, RGB, C-contiguous; kept as a read-only view.
        created_ns: When it was generated, ``time.monotonic_ns()``.

    Raises:
        FrameError: The pixels have another type, shape or layout.
    """

    story_id: str
    shot: int
    index: int
    index_in_shot: int
    chunk: int
    pts_s: float
    beat_id: str
    seed: int
    pixels: Pixels
    created_ns: int = field(default_factory=time.monotonic_ns)

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise FrameError(
                f"pixels are {pixels.dtype} {list(pixels.shape)}; they must be uint8 [height, width, 3]"
            )
        if not pixels.flags.c_contiguous:
            raise FrameError("pixels are not C-contiguous; pass numpy.ascontiguousarray(pixels)")
        view = pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])


def encode_pixels(pixels: Pixels, pixel_format: PixelFormat, quality: int | None = None) -> Pixels:
    """Lays pixels out as a payload.

    Args:
        pixels: uint8 ``[height, width, 3]``, RGB, C-contiguous.
        pixel_format: The payload's format.
        quality: 1 to 100, for JPEG and WebP only; ``None`` for 90.

    Returns:
        uint8 ``[size]``, contiguous. For ``rgb8`` a view of ``pixels``.
    """
    if pixel_format is PixelFormat.RGB8:
        return pixels.reshape(-1)
    if pixel_format is PixelFormat.BGRA8:
        out = np.empty((*pixels.shape[:2], 4), np.uint8)
        out[..., :3] = pixels[..., ::-1]
        out[..., 3] = 255
        return out.reshape(-1)
    from PIL import Image  # noqa: PLC0415

    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if pixel_format is PixelFormat.JPEG:
        image.save(buffer, "JPEG", quality=quality or DEFAULT_QUALITY)
    elif pixel_format is PixelFormat.WEBP:
        image.save(buffer, "WEBP", quality=quality or DEFAULT_QUALITY, method=WEBP_EFFORT)
    else:
        image.save(buffer, "PNG", compress_level=PNG_ZLIB_LEVEL)
    return np.frombuffer(buffer.getbuffer(), np.uint8)


def why_not_encodable(pixel_format: PixelFormat, width: int, height: int) -> str | None:
    """Why frames of a size cannot be sent in a format; None if they can.

    Args:
        pixel_format: The format.
        width: Pixels.
        height: Pixels.
    """
    most = LARGEST_SIDE.get(pixel_format)
    if most is not None and max(width, height) > most:
        return (
            f"{pixel_format.value} has at most {most} pixels a side, the story has {width}x{height}; "
            f"use {PixelFormat.PNG.value} or a raw format"
        )
    if pixel_format is PixelFormat.WEBP:
        from PIL import features  # noqa: PLC0415

        if not features.check("webp"):
            return f"this server's Pillow was built without WebP; use {PixelFormat.JPEG.value}"
    return None


@dataclass(frozen=True, eq=False)
class ReceivedFrame:
    """A frame as a client got it; pixels are decoded when asked for.

    Attributes:
        header: Everything but the pixels.
        payload: uint8 ``[size]`` in ``header.format``, read-only; owns its memory.
        received_ns: When it arrived, ``time.monotonic_ns()``.
    """

    header: FrameHeader
    payload: Pixels
    received_ns: int = field(default_factory=time.monotonic_ns)

    def verify(self) -> None:
        """Checks the size of a raw payload, and the checksum if there is one.

        Raises:
            FrameError: One of them is wrong.
        """
        header = self.header
        channels = RAW_CHANNELS.get(header.format)
        if channels is not None and self.payload.shape[0] != header.width * header.height * channels:
            raise FrameError(
                f"frame {header.index} of story {header.story_id}: the payload has {self.payload.shape[0]} "
                f"bytes, {header.width}x{header.height} {header.format.value} has {channels} for each pixel"
            )
        if header.checksum is None:
            return
        found = fold_crc32(self.payload)
        if found != header.checksum:
            raise FrameError(
                f"frame {header.index} of story {header.story_id}: checksum {found:08x}, "
                f"the header says {header.checksum:08x}"
            )

    def rgb(self) -> Pixels:
        """Decodes to uint8 ``[height, width, 3]``, RGB (a view for ``rgb8``; BGRA's alpha is dropped).

        Raises:
            FrameError: A compressed payload cannot be decoded, or has another size than its header says.
        """
        header = self.header
        channels = RAW_CHANNELS.get(header.format)
        if channels is not None:
            raw = self.payload.reshape(header.height, header.width, channels)
            return raw if channels == 3 else np.ascontiguousarray(raw[..., 2::-1])
        from PIL import Image  # noqa: PLC0415

        try:
            # Only the announced format is tried: what a peer sends must not choose the decoder.
            kinds = [header.format.value.upper()]
            with Image.open(io.BytesIO(self.payload.data), formats=kinds) as image:
                if image.size != (header.width, header.height):
                    raise FrameError(
                        f"frame {header.index}: the {header.format.value} is {image.width}x{image.height}, "
                        f"its header says {header.width}x{header.height}"
                    )
                return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise FrameError(
                f"frame {header.index}: the {header.format.value} cannot be decoded: {error}"
            ) from error
