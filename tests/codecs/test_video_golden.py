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


def test_clip_is_encoded(codec: VideoCodec, io: Mapping[str, Tensor]) -> None:
    latents = codec.encode_clip(io["in.encode.clip9.pixels"])
    assert_close(latents, io["out.encode.clip9.latent"])
    mean, std = (tensor.view(1, 1, -1, 1, 1) for tensor in (codec._mean, codec._std))
    assert_close(latents * std + mean, io["out.encode.clip9.mu_raw"])


@pytest.mark.parametrize(("given", "expected"), [("l3", "l3"), ("l6", "l6.whole")])
def test_clip_is_decoded(codec: VideoCodec, io: Mapping[str, Tensor], given: str, expected: str) -> None:
    latents = io[f"in.decode.{given}.latent"]
    assert_close(codec.decode_clip(latents), io[f"out.decode.{expected}.pixels"])


def test_stream_in_two_chunks_is_decoded(codec: VideoCodec, io: Mapping[str, Tensor]) -> None:
    stream = codec.open_decoder()
    latents = io["in.decode.l6.latent"]
    half = latents.shape[1] // 2
    for chunk, part in enumerate((latents[:, :half], latents[:, half:])):
        pixels = torch.cat([stream.decode(latent) for latent in part.unbind(1)], dim=1)
        assert_close(pixels, io[f"out.decode.l6.chunk{chunk}.pixels"])
