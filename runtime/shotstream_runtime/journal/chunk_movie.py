# SPDX-License-Identifier: Apache-2.0
"""The frames of one chunk as a small lossless movie: FFV1 in Matroska, which common players open.

FFV1 (RFC 9043) version 3 keeps RGB exactly, as the pixel format ``bgr0``: swscale turns ``rgb24`` into it by
moving bytes. Every frame is a key frame, and the file's tags hold a checksum of each, so that of a truncated
or damaged file the frames before the damage can be had, and are known to be right. (The decoder's own
checksums would not do: it patches damaged slices up and goes on.)
"""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""RGB pictures: ``uint8 [H, W, 3]``, or ``[n, H, W, 3]``."""

_PIXEL_FORMAT = "bgr0"
_ENCODER_OPTIONS = {"level": "3", "slicecrc": "1", "g": "1"}
_CHECKSUMS_TAG = "CHECKSUMS"


def encode_chunk(pixels: Pixels, fps: float, tags: dict[str, str]) -> memoryview:
    """Encodes frames losslessly.

    Args:
        pixels: ``uint8 [n, H, W, 3]``, RGB, at least one frame.
        fps: Frames per second, for players.
        tags: Written into the file, so that it says what it is even when it is found alone.
    """
    buffer = io.BytesIO()
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(buffer, "w", format="matroska") as container:
        sums = " ".join(f"{value:08x}" for value in checksums(pixels))
        container.metadata.update({**tags, _CHECKSUMS_TAG: sums})
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = _PIXEL_FORMAT
        stream.codec_context.options = dict(_ENCODER_OPTIONS)
        for number, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(format=_PIXEL_FORMAT)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getbuffer()


def decode_chunk(content: bytes) -> list[Pixels]:
    """Decodes the frames of a file, up to the first that is damaged: ``uint8 [H, W, 3]`` each, RGB."""
    frames: list[Pixels] = []
    # Whatever is wrong with the bytes, the frames before it are good.
    with contextlib.suppress(av.FFmpegError, ValueError, EOFError, IndexError):
        frames.extend(_decode(content))
    return frames


def _decode(content: bytes) -> Iterator[Pixels]:
    with av.open(io.BytesIO(content), "r", format="matroska") as container:
        wanted = [int(value, 16) for value in container.metadata.get(_CHECKSUMS_TAG, "").split()]
        for checksum, frame in zip(wanted, container.decode(container.streams.video[0]), strict=False):
            pixels = frame.to_ndarray(format="rgb24")
            if checksums([pixels]) != [checksum]:
                return
            yield pixels


def checksums(pixels: Sequence[Pixels] | Pixels) -> list[int]:
    """CRC-32 of each frame's bytes: what tells a whole frame from a damaged one."""
    return [zlib.crc32(np.ascontiguousarray(picture).data) for picture in pixels]
