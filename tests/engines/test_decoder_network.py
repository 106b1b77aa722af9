# SPDX-License-Identifier: Apache-2.0
"""The decoder's TensorRT networks, recomputed from their own definition, against the recorded pixels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from interpreted_decoder import InterpretedSteps
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines.tensorrt.build import BuildOptions, build_plan
from shotstream_runtime.engines.tensorrt.build_log import BuildLog
from shotstream_runtime.engines.tensorrt.definition import define_decoder
from shotstream_runtime.weights.layouts import video_layout

trt: Any = pytest.importorskip("tensorrt_rtx_bindings", reason="TensorRT for RTX is not installed")

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def codec(golden_dir: Any, golden_json: Any, golden_tensors: Any) -> VideoCodec:
    config = VideoCodecConfig.from_published(golden_json("vae_config"))
    codec = VideoCodec.from_config(config)
    video_layout(config).load(codec.vae, dict(golden_tensors("vae_weights")), golden_dir)
    return codec


@pytest.mark.golden
def test_steps_give_the_recorded_pixels(codec: VideoCodec, golden_tensors: Any) -> None:
    recorded = golden_tensors("vae_io")
    latents = recorded["in.decode.l6.latent"]
    steps = InterpretedSteps(trt, codec, *latents.shape[-2:])
    assert steps.tensors[True].states == steps.tensors[False].states
    decoder = steps.open()
    frames = [decoder.begin(latent).frames() for latent in latents.unbind(1)]
    assert [len(part.pixels) for part in frames] == [1, 4, 4, 4, 4, 4]
    made = torch.cat([part.pixels for part in frames])
    expected = recorded["out.decode.l6.whole.pixels"][0]
    torch.testing.assert_close(made, expected, atol=TOLERANCE, rtol=0)


def test_step_that_fails_can_be_begun_again(codec: VideoCodec, golden_tensors: Any) -> None:
    recorded = golden_tensors("vae_io")
    latents = recorded["in.decode.l3.latent"]
    steps = InterpretedSteps(trt, codec, *latents.shape[-2:])
    decoder = steps.open()
    decoder.begin(latents[:, 0])
    steps.fails = True
    with pytest.raises(RuntimeError, match="out of memory"):
        decoder.begin(latents[:, 1])
    steps.fails = False
    made = torch.cat([decoder.begin(latents[:, index]).frames().pixels for index in (1, 2)])
    torch.testing.assert_close(made, recorded["out.decode.l3.pixels"][0, 1:], atol=TOLERANCE, rtol=0)


def test_another_size_is_refused(codec: VideoCodec) -> None:
    with pytest.raises(ValueError, match=r"\(1, 16, 4, 8\); this decoder was built for \(1, 16, 4, 6\)"):
        InterpretedSteps(trt, codec, 4, 6).open().begin(torch.zeros(1, 16, 4, 8))


def full_size_codec() -> VideoCodec:
    torch.manual_seed(0)
    return VideoCodec.from_config(VideoCodecConfig()).to("cpu", torch.float16)


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_full_size_step_is_built(first: bool) -> None:
    """The published dimensions at 832x480, half precision, with all carried states."""
    log = BuildLog()
    definition, tensors = define_decoder(
        trt, log.logger(trt), full_size_codec(), 60, 104, torch.float16, first=first
    )
    plan = build_plan(definition, [], BuildOptions((89, 120)), log)
    assert tensors.pixels == (1, 3, 1 if first else 4, 480, 832)
    assert len(tensors.states) == 32
    assert 100e6 < plan.nbytes < 250e6
    assert log.problems == []
