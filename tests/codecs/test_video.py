# SPDX-License-Identifier: Apache-2.0
"""Streaming through the video codec, on random autoencoders of several kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from torch import Tensor

PUBLISHED_KIND = VideoCodecConfig(base_dim=4)
MINI_KIND = VideoCodecConfig(
    base_dim=8, dim_mult=(1, 2, 4), num_res_blocks=1, temporal_downsample=(True, True), patch_size=2
)
UNEVEN_SIDES = VideoCodecConfig(
    base_dim=4,
    decoder_base_dim=6,
    latent_channels=5,
    dim_mult=(1, 2),
    num_res_blocks=1,
    temporal_downsample=(True,),
    latent_mean=(0.5, -0.25, 0.0, 1.0, -1.0),
    latent_std=(2.0, 0.5, 1.0, 1.5, 0.75),
)
KINDS = {"published": PUBLISHED_KIND, "mini": MINI_KIND, "uneven": UNEVEN_SIDES}
KERNEL_TOLERANCE = 1e-5
"""Between the library's kernels and ours, in float32 on values up to 1."""

LATENT_HEIGHT, LATENT_WIDTH = 3, 4


def make_codec(config: VideoCodecConfig, *, accelerated: bool = True) -> VideoCodec:
    torch.manual_seed(0)
    vae = config.build()
    for name, parameter in vae.named_parameters():
        if name.endswith("bias"):
            # A fresh autoencoder has small biases and gains of one: neither would show a mistake.
            torch.nn.init.normal_(parameter, std=0.1)
        elif name.endswith("gamma"):
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    vae.requires_grad_(False)
    return VideoCodec(vae, config.latent_mean, config.latent_std, accelerated=accelerated)


@pytest.fixture(params=KINDS)
def config(request: pytest.FixtureRequest) -> VideoCodecConfig:
    return KINDS[request.param]


@pytest.fixture
def codec(config: VideoCodecConfig) -> VideoCodec:
    return make_codec(config)


def latents_of(codec: VideoCodec, frames: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (batch, frames, codec.latent_channels, LATENT_HEIGHT, LATENT_WIDTH)
    return torch.randn(shape, generator=generator)


def pixels_of(codec: VideoCodec, frames: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    sides = (LATENT_HEIGHT * codec.spatial_factor, LATENT_WIDTH * codec.spatial_factor)
    return torch.rand((batch, 3, frames, *sides), generator=generator) * 2 - 1


# -- against the library's own whole passes -----------------------------------------------------------


def test_decoding_equals_the_library_bit_for_bit_with_its_own_kernels(config: VideoCodecConfig) -> None:
    codec = make_codec(config, accelerated=False)
    latents = latents_of(codec, 4, batch=2)
    std, mean = torch.tensor(config.latent_std), torch.tensor(config.latent_mean)
    raw = latents.movedim(2, 1) * std.view(-1, 1, 1, 1) + mean.view(-1, 1, 1, 1)
    expected = codec.vae.decode(raw).sample.movedim(1, 2)
    assert torch.equal(codec.decode_clip(latents), expected)


@pytest.mark.parametrize("config", [PUBLISHED_KIND, MINI_KIND], ids=["published", "mini"])
def test_encoding_equals_the_library_bit_for_bit_with_its_own_kernels(config: VideoCodecConfig) -> None:
    codec = make_codec(config, accelerated=False)
    pixels = pixels_of(codec, 9, batch=2)
    std, mean = torch.tensor(config.latent_std), torch.tensor(config.latent_mean)
    expected = codec.vae.encode(pixels).latent_dist.mode().movedim(1, 2)
    expected = (expected - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
    assert torch.equal(codec.encode_clip(pixels), expected)


def test_faster_kernels_give_the_same_pixels_and_latents(config: VideoCodecConfig) -> None:
    plain, fast = make_codec(config, accelerated=False), make_codec(config)
    latents = latents_of(plain, 4, batch=2)
    pixels = pixels_of(plain, 1 + 2 * plain.temporal_factor, batch=2)
    for method, given in (
        ("decode_clip", latents),
        ("encode_clip", pixels),
        ("encode_frames", pixels[:, :, 0]),
    ):
        expected, actual = getattr(plain, method)(given), getattr(fast, method)(given)
        torch.testing.assert_close(actual, expected, atol=KERNEL_TOLERANCE, rtol=KERNEL_TOLERANCE)


# -- streaming --------------------------------------------------------------------------------------


def test_latent_by_latent_equals_the_whole_clip_exactly(codec: VideoCodec) -> None:
    latents = latents_of(codec, 5)
    whole = codec.decode_clip(latents)
    stream = codec.open_decoder()
    parts = [stream.decode(latent) for latent in latents.unbind(1)]
    assert [part.shape[1] for part in parts] == [1] + [codec.temporal_factor] * 4
    assert torch.equal(torch.cat(parts, dim=1), whole)
    assert whole.shape == (1, 1 + 4 * codec.temporal_factor, 3, *pixels_of(codec, 1).shape[-2:])
    assert whole.abs().max() <= 1


def test_encoding_between_two_latents_does_not_disturb_the_decoder(codec: VideoCodec) -> None:
    latents = latents_of(codec, 4)
    expected = codec.decode_clip(latents)
    stream = codec.open_decoder()
    parts = []
    for latent in latents.unbind(1):
        codec.encode_frames(pixels_of(codec, 1)[:, :, 0])
        codec.encode_clip(pixels_of(codec, 1 + codec.temporal_factor))
        codec.decode_clip(latents_of(codec, 2))
        parts.append(stream.decode(latent))
    assert torch.equal(torch.cat(parts, dim=1), expected)


def test_a_fork_goes_on_independently(codec: VideoCodec) -> None:
    latents = latents_of(codec, 5)
    stream = codec.open_decoder()
    for latent in latents[:, :3].unbind(1):
        stream.decode(latent)
    twin = stream.fork()
    assert twin.latents == 3
    expected = codec.decode_clip(latents)[:, -2 * codec.temporal_factor :]
    # The twin takes another path first; the stream must not notice, nor its second twin.
    twin.decode(-latents[:, 3])
    second = stream.fork()
    for branch in (stream, second):
        parts = [branch.decode(latent) for latent in latents[:, 3:].unbind(1)]
        assert torch.equal(torch.cat(parts, dim=1), expected)


def test_a_decode_that_fails_can_be_repeated(codec: VideoCodec) -> None:
    latents = latents_of(codec, 3)
    expected = codec.decode_clip(latents)
    stream = codec.open_decoder()
    first = stream.decode(latents[:, 0])

    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory")

    # Nearly at the end, when most of the state has been replaced.
    handle = codec.vae.decoder.conv_out.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        stream.decode(latents[:, 1])
    handle.remove()
    rest = [stream.decode(latents[:, 1]), stream.decode(latents[:, 2])]
    assert torch.equal(torch.cat([first, *rest], dim=1), expected)


def test_frames_encoded_as_one_batch_are_single_frame_clips(codec: VideoCodec) -> None:
    frames = pixels_of(codec, 1, batch=5)
    together = codec.encode_frames(frames[:, :, 0])
    assert together.shape == (5, codec.latent_channels, LATENT_HEIGHT, LATENT_WIDTH)
    alone = torch.cat([codec.encode_clip(frame)[:, 0] for frame in frames.split(1)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-6)
    in_passes = codec.encode_frames(frames[:, :, 0], frames_per_pass=2)
    torch.testing.assert_close(in_passes, alone, atol=1e-6, rtol=1e-6)


def test_a_round_trip_keeps_the_frame_count(codec: VideoCodec) -> None:
    clip = pixels_of(codec, 1 + 2 * codec.temporal_factor)
    assert codec.decode_clip(codec.encode_clip(clip)).shape[1] == clip.shape[2]


def test_sixteen_bit_weights_give_float32_results_near_the_exact_ones() -> None:
    exact, rough = make_codec(MINI_KIND), make_codec(MINI_KIND).to("cpu", torch.bfloat16)
    latents, pixels = latents_of(exact, 2), pixels_of(exact, 5)
    for method, given in (("decode_clip", latents), ("encode_clip", pixels)):
        result = getattr(rough, method)(given)
        assert result.dtype == torch.float32
        torch.testing.assert_close(result, getattr(exact, method)(given), atol=0.15, rtol=0.1)


@pytest.mark.gpu
def test_cuda_gives_the_same_pixels() -> None:
    on_cpu, on_gpu = make_codec(MINI_KIND), make_codec(MINI_KIND).to("cuda")
    latents, pixels = latents_of(on_cpu, 3), pixels_of(on_cpu, 5)
    for method, given in (("decode_clip", latents), ("encode_clip", pixels)):
        result = getattr(on_gpu, method)(given).cpu()
        torch.testing.assert_close(result, getattr(on_cpu, method)(given), atol=5e-3, rtol=1e-2)


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda c: c.decode_clip(torch.zeros(1, 2, 3, 4, 4)),
            r"latents has shape \[1, 2, 3, 4, 4\]; expected",
        ),
        (lambda c: c.decode_clip(torch.zeros(1, 0, 16, 4, 4)), "f >= 1"),
        (lambda c: c.open_decoder().decode(torch.zeros(1, 1, 16, 4, 4)), r"expected \[b, 16, h, w\]"),
        (lambda c: c.encode_frames(torch.zeros(2, 3, 20, 32)), "32x20; both sides must be .* multiples of 8"),
        (lambda c: c.encode_frames(torch.zeros(2, 4, 16, 32)), r"expected \[n, 3, H, W\]"),
        (lambda c: c.encode_frames(torch.zeros(2, 3, 16, 32, dtype=torch.uint8)), "torch.uint8.*floats"),
        (lambda c: c.encode_frames(torch.zeros(0, 3, 16, 32)), "no frame"),
        (
            lambda c: c.encode_clip(torch.zeros(1, 3, 8, 16, 32)),
            r"8 frames; a clip has 1 \+ k x 4, e.g. 5 or 9",
        ),
        (lambda c: c.encode_clip(torch.zeros(1, 3, 0, 16, 32)), "0 frames; .* e.g. 1 or 5"),
        (lambda c: VideoCodec(c.vae, [0.0], [1.0]), "latent_mean has 1 entries for 16 latent channels"),
    ],
)
def test_bad_input_is_refused(call: Callable[[VideoCodec], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(make_codec(PUBLISHED_KIND))


def test_a_stream_keeps_to_one_size() -> None:
    stream = make_codec(PUBLISHED_KIND).open_decoder()
    stream.decode(torch.zeros(1, 16, 3, 4))
    with pytest.raises(ValueError, match=r"\[1, 16, 4, 4\]; the stream's earlier ones have \[1, 16, 3, 4\]"):
        stream.decode(torch.zeros(1, 16, 4, 4))
