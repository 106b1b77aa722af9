# SPDX-License-Identifier: Apache-2.0
"""Pixels to payloads and back."""

from __future__ import annotations

import numpy as np
import pytest
from scripted_service import HEIGHT, WIDTH, frame, picture
from shotstream_bridge import FrameError, FrameHeader, PixelFormat, ReceivedFrame
from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.codec import decode_server, encode_frame_header
from shotstream_bridge.frames import encode_pixels


def received(
    pixel_format: PixelFormat, pixels: np.ndarray, payload: np.ndarray | None = None
) -> ReceivedFrame:
    made = encode_pixels(pixels, pixel_format) if payload is None else payload
    header = decode_server(
        encode_frame_header(
            frame("s", 0), subscription=0, skipped=0, pixel_format=pixel_format, checksum=fold_crc32(made)
        )
    )
    assert isinstance(header, FrameHeader)
    return ReceivedFrame(header, made)


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGB8, PixelFormat.BGRA8, PixelFormat.PNG])
def test_lossless_formats(pixel_format: PixelFormat) -> None:
    got = received(pixel_format, picture(5))
    got.verify()
    assert np.array_equal(got.rgb(), picture(5))


def test_bgra_is_blue_first_and_opaque() -> None:
    payload = encode_pixels(np.array([[[1, 2, 3]]], np.uint8), PixelFormat.BGRA8)
    assert payload.tolist() == [3, 2, 1, 255]


def test_jpeg_is_close_and_its_quality_counts() -> None:
    ramp = np.linspace(0, 255, HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
    got = received(PixelFormat.JPEG, ramp)
    got.verify()
    assert np.abs(got.rgb().astype(int) - ramp).mean() < 12
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = [encode_pixels(noise, PixelFormat.JPEG, quality).size for quality in (10, 50, 95)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2


def test_rgb_is_not_copied() -> None:
    pixels = picture(1)
    assert np.shares_memory(encode_pixels(pixels, PixelFormat.RGB8), pixels)
    got = received(PixelFormat.RGB8, pixels)
    assert np.shares_memory(got.rgb(), pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 8, 3), np.uint8)[:, ::2],
    ],
    ids=["float", "flat", "four channels", "empty", "strided"],
)
def test_wrong_pixels_are_refused_by_name(pixels: np.ndarray) -> None:
    with pytest.raises(FrameError, match="pixels are"):
        frame_of(pixels)


def frame_of(pixels: np.ndarray) -> object:
    import dataclasses

    return dataclasses.replace(frame("s", 0), pixels=pixels)


def test_published_pixels_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        frame("s", 0).pixels[0, 0, 0] = 1


def test_a_flipped_bit_is_noticed() -> None:
    payload = encode_pixels(picture(3), PixelFormat.RGB8).copy()
    good = received(PixelFormat.RGB8, picture(3))
    payload[17] ^= 4
    with pytest.raises(FrameError, match="checksum"):
        ReceivedFrame(good.header, payload).verify()


def test_a_payload_of_the_wrong_size_is_noticed_even_without_a_checksum() -> None:
    good = received(PixelFormat.RGB8, picture(3))
    header = good.header.model_copy(update={"checksum": None})
    with pytest.raises(FrameError, match="383 bytes, 16x8 rgb8"):
        ReceivedFrame(header, good.payload[:-1]).verify()


@pytest.mark.parametrize("pixel_format", [PixelFormat.JPEG, PixelFormat.PNG])
def test_a_picture_that_cannot_be_decoded(pixel_format: PixelFormat) -> None:
    with pytest.raises(FrameError, match="cannot be decoded"):
        received(pixel_format, picture(0), np.frombuffer(b"no picture", np.uint8)).rgb()


def test_a_picture_of_another_format_or_size_than_announced() -> None:
    png = encode_pixels(picture(0), PixelFormat.PNG)
    with pytest.raises(FrameError, match="cannot be decoded"):
        received(PixelFormat.JPEG, picture(0), png).rgb()
    large = encode_pixels(np.zeros((32, 32, 3), np.uint8), PixelFormat.PNG)
    with pytest.raises(FrameError, match="is 32x32, its header says 16x8"):
        received(PixelFormat.PNG, picture(0), large).rgb()


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 50_000])
def test_the_checksum_is_what_the_document_says(size: int) -> None:
    import zlib

    data = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    fold = bytearray(4096)
    for index, value in enumerate(data.tolist()):
        fold[index % 4096] ^= value
    assert fold_crc32(data) == zlib.crc32(fold)
