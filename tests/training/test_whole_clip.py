# SPDX-License-Identifier: Apache-2.0
"""The whole-clip path must equal the library's latent-by-latent path."""

import pytest
import torch
from diffusers import AutoencoderKLWan
from shotstream_training.autoencoder.whole_clip import WholeClipCodec


def build(patch_size: int | None) -> AutoencoderKLWan:
    torch.manual_seed(0)
    extra = {"patch_size": 2, "in_channels": 12, "out_channels": 12} if patch_size else {}
    vae = AutoencoderKLWan(
        base_dim=8, z_dim=4, dim_mult=[1, 2, 3], num_res_blocks=1, temperal_downsample=[True, True], **extra
    )
    return vae.double().eval().requires_grad_(False)


@pytest.mark.parametrize("patch_size", [None, 2])
@pytest.mark.parametrize("latent_frames", [1, 2, 4])
def test_equals_library(patch_size: int | None, latent_frames: int) -> None:
    vae = build(patch_size)
    codec = WholeClipCodec(vae)
    frames = 1 + 4 * (latent_frames - 1)
    pixels = torch.rand(2, 3, frames, 16, 32, dtype=torch.float64) * 2 - 1
    posterior = vae.encode(pixels).latent_dist
    mean, log_variance = codec.encode(pixels)
    torch.testing.assert_close(mean.double(), posterior.mean, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(log_variance.double(), posterior.logvar, atol=1e-6, rtol=1e-6)
    latents = torch.randn_like(posterior.mean)
    expected = vae.decode(latents).sample
    torch.testing.assert_close(codec.decode(latents).clamp(-1, 1).double(), expected, atol=1e-6, rtol=1e-6)


def test_wrong_length_is_refused() -> None:
    codec = WholeClipCodec(build(None))
    with pytest.raises(ValueError, match="6 frames"):
        codec.encode(torch.zeros(1, 3, 6, 16, 16, dtype=torch.float64))
