# SPDX-License-Identifier: Apache-2.0
"""The faster kernels: same parameters, same gradients, one instance only."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d, WanRMS_norm, WanUpsample
from shotstream_runtime.codecs.fast_wan_vae import (
    FastCausalConv3d,
    FastRmsNorm,
    FastUpsample,
    accelerate,
    onednn_usable,
)
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from torch import Tensor, nn

CONFIG = VideoCodecConfig(base_dim=4, dim_mult=(1, 2), num_res_blocks=1, temporal_downsample=(True,))


def test_one_instance_is_changed_and_keeps_its_parameters() -> None:
    vae, other = CONFIG.build(), CONFIG.build()
    before = dict(vae.named_parameters())
    accelerate(vae)
    after = dict(vae.named_parameters())
    assert list(before) == list(after)
    assert all(before[name] is after[name] for name in before)
    assert not any(type(module) in (WanRMS_norm, WanCausalConv3d, nn.Conv2d) for module in _leaves(vae))
    assert not any(isinstance(module, FastRmsNorm | FastCausalConv3d) for module in other.modules())


def _leaves(vae: nn.Module) -> list[nn.Module]:
    # The convolution inside a FastUpsample stays the library's: the upsampling reads its weights.
    inside = {id(child) for module in vae.modules() if isinstance(module, FastUpsample) for child in module}
    return [module for module in vae.modules() if id(module) not in inside]


def test_a_second_call_changes_nothing() -> None:
    vae = accelerate(CONFIG.build())
    modules = list(vae.modules())
    accelerate(vae)
    assert all(a is b for a, b in zip(modules, vae.modules(), strict=True))


def test_loading_weights_afterwards_takes_effect() -> None:
    vae, other = accelerate(CONFIG.build()), CONFIG.build()
    vae.load_state_dict(other.state_dict())
    latents = torch.randn(1, 16, 2, 4, 4)
    with torch.no_grad():
        torch.testing.assert_close(
            vae.decode(latents).sample, other.decode(latents).sample, atol=1e-5, rtol=1e-5
        )


def test_gradients_equal_the_librarys() -> None:
    # In float64: what float32 leaves of gradients that nearly cancel depends on the order of sums.
    plain, fast = CONFIG.build().double(), CONFIG.build().double()
    fast.load_state_dict(plain.state_dict())
    accelerate(fast)
    pixels = torch.rand(1, 3, 5, 8, 12, dtype=torch.float64) * 2 - 1
    gradients = []
    for vae in (plain, fast):
        decoded = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
        decoded.square().sum().backward()
        gradients.append({name: parameter.grad for name, parameter in vae.named_parameters()})
    for name, expected in gradients[0].items():
        actual = gradients[1][name]
        assert (expected is None) == (actual is None), name
        if expected is not None:
            torch.testing.assert_close(actual, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("enabled", [True, False], ids=["onednn", "fallback"])
@pytest.mark.parametrize("shape", [(2, 6, 3, 4, 5), (3, 6, 4, 5)], ids=["clip", "frames"])
def test_norm_keeps_the_eps_of_normalize(enabled: bool, shape: tuple[int, ...]) -> None:
    norm = WanRMS_norm(6, images=len(shape) == 4)
    nn.init.uniform_(norm.gamma, 0.5, 1.5)
    x = torch.randn(shape)
    x[0] *= 1e-13  # shorter than the eps: divided by the eps, not by its length
    x[1, :, 0] = 0
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=enabled):
        actual = FastRmsNorm(norm)(x)
    expected = F.normalize(x, dim=1) * 6**0.5 * norm.gamma
    torch.testing.assert_close(actual, expected, atol=1e-6, rtol=1e-5)
    assert not actual[1, :, 0].any()


def test_norm_of_large_half_precision_values_is_finite() -> None:
    norm = WanRMS_norm(8, images=False)
    x = torch.full((1, 8, 1, 2, 2), 3e4, dtype=torch.float16)
    with torch.no_grad():
        result = FastRmsNorm(norm)(x)
    assert result.dtype == torch.float32  # its gamma is float32
    torch.testing.assert_close(result, torch.ones_like(result), atol=1e-3, rtol=0)


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("cached", [0, 1, 2])
def test_causal_convolution_with_every_length_of_past(frames: int, cached: int) -> None:
    plain = WanCausalConv3d(5, 7, 3, padding=1)
    x = torch.randn(2, 5, frames, 6, 5)
    cache = torch.randn(2, 5, cached, 6, 5) if cached else None
    with torch.no_grad():
        torch.testing.assert_close(FastCausalConv3d(plain)(x, cache), plain(x, cache), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 4)])
def test_upsampling_on_the_small_picture(bias: bool, height: int, width: int) -> None:
    plain = nn.Sequential(
        WanUpsample(scale_factor=(2.0, 2.0), mode="nearest-exact"), nn.Conv2d(5, 3, 3, padding=1, bias=bias)
    )
    x = torch.randn(2, 5, height, width)
    with torch.no_grad():
        torch.testing.assert_close(FastUpsample(plain)(x), plain(x), atol=1e-5, rtol=1e-5)


def test_without_onednn_the_librarys_arithmetic_runs() -> None:
    plain, fast = CONFIG.build(), CONFIG.build()
    fast.load_state_dict(plain.state_dict())
    accelerate(fast)
    latents = torch.randn(1, 16, 2, 4, 4)
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        assert not onednn_usable(latents)
        result: Tensor = fast.decode(latents).sample
        torch.testing.assert_close(result, plain.decode(latents).sample, atol=1e-5, rtol=1e-5)
