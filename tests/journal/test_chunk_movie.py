# SPDX-License-Identifier: Apache-2.0
"""Chunks of frames as files: exact, and readable up to where they are damaged."""

from __future__ import annotations

import numpy as np
import pytest
from sample_story import FPS, noise
from shotstream_runtime.journal.chunk_movie import decode_chunk, encode_chunk


@pytest.mark.parametrize("size", [(1, 1), (16, 32), (17, 33), (80, 128)])
def test_frames_come_back_bit_for_bit(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, *size, 3), dtype=np.uint8)
    assert np.array_equal(np.stack(decode_chunk(bytes(encode_chunk(pixels, FPS, {})))), pixels)


def test_every_level_of_every_channel_survives() -> None:
    levels = np.arange(256, dtype=np.uint8)
    red, green = np.meshgrid(levels, levels)
    pixels = np.stack([np.stack([red, green, np.full_like(red, blue)], -1) for blue in (0, 1, 127, 255)])
    assert np.array_equal(np.stack(decode_chunk(bytes(encode_chunk(pixels, FPS, {})))), pixels)


def test_of_a_truncated_file_the_frames_before_the_cut_are_read() -> None:
    pixels = noise(0, frames=8)
    content = bytes(encode_chunk(pixels, FPS, {}))
    lengths = []
    for cut in range(0, len(content), 997):
        frames = decode_chunk(content[:cut])
        lengths.append(len(frames))
        assert all(np.array_equal(frame, whole) for frame, whole in zip(frames, pixels, strict=False))
    assert lengths[0] == 0
    assert lengths == sorted(lengths)
    assert lengths[-1] >= 6


def test_a_flipped_bit_ends_the_reading_before_its_frame() -> None:
    pixels = noise(0, frames=8)
    content = bytearray(encode_chunk(pixels, FPS, {}))
    content[len(content) // 2] ^= 0x10
    frames = decode_chunk(bytes(content))
    assert 2 <= len(frames) <= 5
    assert all(np.array_equal(frame, whole) for frame, whole in zip(frames, pixels, strict=False))


def test_what_is_no_movie_has_no_frames() -> None:
    assert decode_chunk(b"") == []
    assert decode_chunk(b"not a movie at all" * 100) == []
