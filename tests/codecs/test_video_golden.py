# SPDX-License-Identifier: Apache-2.0
"""The video codec against the recorded numbers, loaded from the published names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.weights.layouts import video_layout
from torch import Tensor

pytestmark = pytest.mark.golden

TOLERANCE = 2e-5


@pytest.fixture(scope="module", params=[True, False], ids=["accelerated", "plain"])
def codec(
    request: pytest.FixtureRequest,
    golden_dir: Any,
    golden_json: Callable[[str], dict[str, Any]],
    golden_tensors: Callable[[str], Mapping[str, Tensor]],
) -> VideoCodec:
    config = VideoCodecConfig.from_published(golden_json("vae_config"))
    codec = VideoCodec.from_config(config, accelerated=False)
    weights = dict(golden_tensors("vae_weights"))
    video_layout(config).load(codec.vae, weights, golden_dir / "vae_weights.safetensors")
    return VideoCodec(
        codec.vae.requires_grad_(False), config.latent_mean, config.latent_std, accelerated=request.param
    )


@pytest.fixture(scope="module")
def io(golden_tensors: Callable[[str], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    return golden_tensors("vae_io")


def assert_close(actual: Tensor, expected: Tensor) -> None:
    assert actual.shape == expected.shape
    torch.testing.assert_close(actual, expected, atol=TOLERANCE, rtol=0)


def test_factors_are_those_of_the_configuration(codec: VideoCodec, golden_json: Any) -> None:
    values = golden_json("vae_config")
    assert codec.spatial_factor == values["spatial_factor"]
    assert codec.temporal_factor == values["temporal_factor"]
    assert codec.latent_channels == values["z_dim"]


def test_single_frame_is_encoded(codec: VideoCodec, io: Mapping[str, Tensor]) -> None:
    pixels = io["in.encode.frame.pixels"]
    expected = io["out.encode.frame.latent"]
    assert_close(codec.encode_clip(pixels), expected)
    assert_close(codec.encode_frames(pixels[:, :, 0])[:, None], expected)


def recorded(io: Mapping[str, Tensor], start: str, end: str) -> list[str]:
    """What stands between `start` and `end` in the names that have both; a folder chooses its own sizes."""
    found = sorted(name.removeprefix(start).removesuffix(end) for name in io if name.startswith(start))
    assert found, f"the golden folder has no tensor {start}*{end}"
    return found


def test_clips_are_encoded(codec: VideoCodec, io: Mapping[str, Tensor]) -> None:
    mean, std = (tensor.view(1, 1, -1, 1, 1) for tensor in (codec._mean, codec._std))
    for name in recorded(io, "in.encode.", ".pixels"):
        latents = codec.encode_clip(io[f"in.encode.{name}.pixels"])
        assert_close(latents, io[f"out.encode.{name}.latent"])
        if f"out.encode.{name}.mu_raw" in io:
            assert_close(latents * std + mean, io[f"out.encode.{name}.mu_raw"])


def test_clips_are_decoded(codec: VideoCodec, io: Mapping[str, Tensor]) -> None:
    for name in recorded(io, "in.decode.", ".latent"):
        whole = f"out.decode.{name}.whole.pixels"
        expected = io[whole] if whole in io else io[f"out.decode.{name}.pixels"]
        assert_close(codec.decode_clip(io[f"in.decode.{name}.latent"]), expected)


def test_streams_in_chunks_are_decoded(codec: VideoCodec, io: Mapping[str, Tensor]) -> None:
    chunked = [
        name for name in recorded(io, "in.decode.", ".latent") if f"out.decode.{name}.chunk0.pixels" in io
    ]
    assert chunked
    for name in chunked:
        stream = codec.open_decoder()
        latents = iter(io[f"in.decode.{name}.latent"].unbind(1))
        chunk = 0
        while (expected := io.get(f"out.decode.{name}.chunk{chunk}.pixels")) is not None:
            parts: list[Tensor] = []
            while sum(part.shape[1] for part in parts) < expected.shape[1]:
                parts.append(stream.decode(next(latents)))
            assert_close(torch.cat(parts, dim=1), expected)
            chunk += 1
        assert next(latents, None) is None
