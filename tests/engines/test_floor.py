# SPDX-License-Identifier: Apache-2.0
"""Operations recomputed from the dimensions, against figures worked out by hand for the published ones."""

from __future__ import annotations

import pytest
from shotstream_runtime.bench.floor import (
    H100_RATES,
    Floor,
    chunk_keys,
    codec_operations,
    pass_operations,
    text_operations,
)
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model import StudentConfig

T = 1e12
CONFIG = StudentConfig()
PER_FRAME = 1560


def test_a_pass() -> None:
    operations = pass_operations(CONFIG, 3 * PER_FRAME, 1000)
    assert operations.linear == pytest.approx(11.7 * T, rel=2e-3)
    assert operations.cross_attention == pytest.approx(0.44 * T, rel=5e-3)
    assert operations.self_attention == pytest.approx(0.863 * T, rel=1e-3)


def test_keys_of_a_shot() -> None:
    keys = chunk_keys(CONFIG, PER_FRAME)
    assert (keys[0], sum(keys) / len(keys), keys[-1]) == (14_040, 28_080, 42_120)


def test_the_context_and_a_caption() -> None:
    context = pass_operations(CONFIG, 6 * PER_FRAME, 6 * PER_FRAME)
    assert context.linear + context.attention == pytest.approx(40.4 * T, rel=2e-3)
    assert text_operations(Umt5Config(), 512) == pytest.approx(4.84 * T, rel=2e-3)


def test_the_codec() -> None:
    operations = codec_operations(VideoCodecConfig(), 60, 104)
    assert operations.first_latent == pytest.approx(4.35 * T, rel=5e-3)
    assert operations.further_latent == pytest.approx(13.55 * T, rel=5e-3)
    assert operations.chunk(3) == pytest.approx(40.7 * T, rel=5e-3)
    assert 6 * operations.encode_frame == pytest.approx(16.3 * T, rel=5e-3)


def test_the_floor_of_an_h100() -> None:
    codec = codec_operations(VideoCodecConfig(), 60, 104)
    floor = Floor.of(CONFIG, codec, 60, 104, H100_RATES["bf16"])
    assert floor.chunk == pytest.approx(263, abs=1)
    assert floor.decode == pytest.approx(81, abs=1)
    # With the encoding of the beat's caption, which is no part of it here.
    caption = 1e3 * text_operations(Umt5Config(), 512) / H100_RATES["bf16"].linear
    assert caption + floor.first_frame_prefetched == pytest.approx(151, abs=1)
    assert caption + floor.first_frame_cold == pytest.approx(237, abs=2)
    assert Floor.of(CONFIG, codec, 60, 104, H100_RATES["fp8"]).chunk == pytest.approx(232, abs=1)
