# SPDX-License-Identifier: Apache-2.0
"""The dual cache's slots: context first, then the shot, then a ring with a sink."""

from __future__ import annotations

import pytest
import torch
from shotstream_runtime.model import CacheSpan, DualCache, StudentConfig


def config(**values: object) -> StudentConfig:
    small = {"dim": 24, "num_heads": 2, "num_layers": 2, "ffn_dim": 8, "freq_dim": 8, "text_dim": 4}
    return StudentConfig.from_dict({**small, **values})


def test_spans_grow_by_one_chunk_and_start_behind_the_context() -> None:
    cache = DualCache(config(), tokens_per_frame=5)
    assert cache.context_span() == CacheSpan(start=0, stop=30, keys=30)
    assert cache.local_span(0) == CacheSpan(start=30, stop=45, keys=45)
    assert cache.local_span(18) == CacheSpan(start=120, stop=135, keys=135)


def test_a_long_shot_becomes_a_ring() -> None:
    cache = DualCache(config(), tokens_per_frame=1)
    assert cache.local_span(21) == CacheSpan(start=6, stop=9, keys=27)
    assert cache.local_span(42) == cache.local_span(21)


def test_a_window_that_is_no_multiple_of_a_chunk_rings_over_whole_chunks() -> None:
    cache = DualCache(config(frames_per_chunk=2), tokens_per_frame=1)
    assert cache.local_span(18) == CacheSpan(start=24, stop=26, keys=26)
    assert cache.local_span(20) == CacheSpan(start=6, stop=8, keys=26)


def test_the_sink_is_never_overwritten() -> None:
    cache = DualCache(config(sink_frames=3), tokens_per_frame=1)
    starts = {cache.local_span(first).start for first in range(21, 120, 3)}
    assert starts == set(range(9, 27, 3))


def test_store_writes_in_place_and_returns_a_view_of_the_prefix() -> None:
    cache = DualCache(config(), tokens_per_frame=2)
    span = cache.local_span(0)
    keys, values = torch.ones(2, 1, 6, 2, 12).unbind()
    seen, _ = cache.store(1, span, keys, values * 2)
    buffer = cache.buffers[1]
    assert seen.shape == (1, span.keys, 2, 12)
    assert seen.untyped_storage().data_ptr() == buffer.untyped_storage().data_ptr()
    assert buffer[0].sum() == keys.sum()
    assert buffer[1].sum() == 2 * keys.sum()
    assert cache.buffers[0].abs().sum() == 0


def test_a_chunk_starts_at_a_chunk_boundary() -> None:
    with pytest.raises(ValueError, match="first_frame=4 must be a multiple of frames_per_chunk=3"):
        DualCache(config(), tokens_per_frame=1).local_span(4)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"dim": 25}, "dim=25 must be a multiple of num_heads=2"),
        ({"sink_frames": 2}, "whole chunks"),
        ({"local_window_frames": 2}, "room for a chunk"),
        ({"denoising_steps": [0]}, "must lie in 1..1000"),
        ({"rope_channels": [4, 4, 5]}, "must be even and add up to head_dim=12"),
        ({"patch_size": [2, 2, 2]}, "one latent frame"),
    ],
)
def test_impossible_dimensions_are_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        config(**values)


def test_the_published_size() -> None:
    published = StudentConfig()
    assert published.rope_split == (44, 42, 42)
    assert published.tokens_per_frame(60, 104) == 1560
    with pytest.raises(ValueError, match="latent size 61x104"):
        published.tokens_per_frame(61, 104)
