# SPDX-License-Identifier: Apache-2.0
"""Dimensions of the autoencoder in their three written forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shotstream_runtime.codecs.video_config import VideoCodecConfig

PUBLISHED: dict[str, Any] = {
    "dim": 96,
    "z_dim": 16,
    "dim_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_scales": [],
    "temperal_downsample": [False, True, True],
    "dropout": 0.0,
}
DIFFUSERS: dict[str, Any] = {
    "_class_name": "AutoencoderKLWan",
    "base_dim": 96,
    "z_dim": 16,
    "dim_mult": [1, 2, 4, 4],
    "num_res_blocks": 2,
    "attn_scales": [],
    "temperal_downsample": [False, True, True],
    "latents_mean": list(VideoCodecConfig().latent_mean),
    "latents_std": list(VideoCodecConfig().latent_std),
}


def test_all_forms_of_the_published_dimensions_agree() -> None:
    assert VideoCodecConfig.from_published(PUBLISHED) == VideoCodecConfig()
    assert VideoCodecConfig.from_diffusers(DIFFUSERS) == VideoCodecConfig()
    assert (VideoCodecConfig().spatial_factor, VideoCodecConfig().temporal_factor) == (8, 4)


def test_json_round_trip(tmp_path: Path) -> None:
    config = VideoCodecConfig(
        base_dim=24, dim_mult=(1, 2, 4), num_res_blocks=1, temporal_downsample=(True, True), patch_size=2
    )
    path = tmp_path / "vae_config.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    assert VideoCodecConfig.from_json(path) == config
    assert (config.spatial_factor, config.temporal_factor) == (8, 4)


def test_diffusers_own_config_is_read_back() -> None:
    config = VideoCodecConfig(
        base_dim=8,
        decoder_base_dim=4,
        latent_channels=2,
        dim_mult=(1, 2),
        temporal_downsample=(True,),
        patch_size=2,
        latent_mean=(0.0, 1.0),
        latent_std=(1.0, 2.0),
    )
    assert VideoCodecConfig.from_diffusers(dict(config.build().config)) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"temporal_downsample": (True,)},
            r"temporal_downsample has 1 entries; dim_mult=\(1, 2, 4, 4\) has 3",
        ),
        ({"latent_channels": 8}, "latent_mean has 16 entries for 8 latent channels"),
        ({"latent_std": (0.0,) * 16}, "latent_std must be positive, got 0.0"),
        ({"base_dim": 0}, "base_dim"),
        ({"colour": "red"}, "colour"),
        ({"latent_mean": (float("nan"),) * 16}, "latent_mean"),
    ],
)
def test_impossible_dimensions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VideoCodecConfig(**change)


@pytest.mark.parametrize(
    ("read", "values", "message"),
    [
        (VideoCodecConfig.from_published, {"dim": 4}, "lacks z_dim, dim_mult, num_res_blocks"),
        (VideoCodecConfig.from_published, {**PUBLISHED, "attn_scales": [0.5]}, r"attn_scales=\[0.5\]"),
        (
            VideoCodecConfig.from_diffusers,
            {**DIFFUSERS, "is_residual": True},
            "is_residual=true is the Wan2.2",
        ),
    ],
)
def test_other_autoencoders_are_refused(read: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(values)
