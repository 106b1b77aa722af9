# SPDX-License-Identifier: Apache-2.0
"""Dimensions of a video autoencoder, in our own form, the published one and that of diffusers folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

if TYPE_CHECKING:
    from diffusers import AutoencoderKLWan

PUBLISHED_LATENT_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
PUBLISHED_LATENT_STD = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip
_RGB = 3


class VideoCodecConfig(BaseModel):
    """What a video autoencoder is made of. The defaults are those of the published Wan2.1 autoencoder.

    Attributes:
        base_dim: Channels of the encoder's finest stage, before `dim_mult`.
        decoder_base_dim: The decoder's, where it differs.
        latent_channels: Channels of a latent.
        dim_mult: Channels of each stage, in multiples of the base, finest first. Each stage after the
            first has half the rows and columns.
        num_res_blocks: Residual blocks of an encoder stage; a decoder stage has one more.
        temporal_downsample: For each step from one stage to the next, whether it also halves the frames.
        dropout: Used in training only.
        patch_size: Side of the pixel squares that become channels before the encoder; None for single pixels.
        latent_mean: Mean of each raw latent channel; latents are normalised with it.
        latent_std: Standard deviation of each raw latent channel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base_dim: PositiveInt = 96
    decoder_base_dim: PositiveInt | None = None
    latent_channels: PositiveInt = 16
    dim_mult: tuple[PositiveInt, ...] = Field(default=(1, 2, 4, 4), min_length=1)
    num_res_blocks: PositiveInt = 2
    temporal_downsample: tuple[bool, ...] = (False, True, True)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    patch_size: PositiveInt | None = None
    latent_mean: tuple[float, ...] = PUBLISHED_LATENT_MEAN
    latent_std: tuple[float, ...] = PUBLISHED_LATENT_STD

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        steps = len(self.dim_mult) - 1
        if len(self.temporal_downsample) != steps:
            raise ValueError(
                f"temporal_downsample has {len(self.temporal_downsample)} entries; "
                f"dim_mult={self.dim_mult} has {steps} steps between its stages"
            )
        for name in ("latent_mean", "latent_std"):
            count = len(getattr(self, name))
            if count != self.latent_channels:
                raise ValueError(f"{name} has {count} entries for {self.latent_channels} latent channels")
        if min(self.latent_std) <= 0:
            raise ValueError(f"latent_std must be positive, got {min(self.latent_std)}")
        return self

    @property
    def spatial_factor(self) -> int:
        """Pixels per latent, in rows and in columns."""
        return int(2 ** (len(self.dim_mult) - 1)) * (self.patch_size or 1)

    @property
    def temporal_factor(self) -> int:
        """Frames per latent after the first."""
        return int(2 ** sum(self.temporal_downsample))

    @classmethod
    def from_published(cls, values: Mapping[str, Any]) -> Self:
        """Reads the field names of the published autoencoder's configuration.

        Raises:
            ValueError: A field is missing, has an impossible value, or asks for attention between stages.
        """
        _refuse_attention(values)
        names = {
            "dim": "base_dim",
            "z_dim": "latent_channels",
            "dim_mult": "dim_mult",
            "num_res_blocks": "num_res_blocks",
            "temperal_downsample": "temporal_downsample",
        }
        optional = {"dropout": "dropout", "latent_mean": "latent_mean", "latent_std": "latent_std"}
        return cls(**_renamed(values, names, optional))

    @classmethod
    def from_diffusers(cls, values: Mapping[str, Any]) -> Self:
        """Reads a diffusers folder's `vae/config.json`.

        Raises:
            ValueError: A field is missing or describes an autoencoder of another kind.
        """
        _refuse_attention(values)
        if values.get("is_residual"):
            raise ValueError("is_residual=true is the Wan2.2 autoencoder; ShotStream is built on Wan2.1's")
        names = {
            "base_dim": "base_dim",
            "z_dim": "latent_channels",
            "dim_mult": "dim_mult",
            "num_res_blocks": "num_res_blocks",
            "temperal_downsample": "temporal_downsample",
        }
        optional = {
            "decoder_base_dim": "decoder_base_dim",
            "dropout": "dropout",
            "patch_size": "patch_size",
            "latents_mean": "latent_mean",
            "latents_std": "latent_std",
        }
        return cls(**_renamed(values, names, optional))

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Reads what `model_dump_json` wrote.

        Raises:
            ValueError: The file is no such JSON, or a field is unknown or impossible.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def build(self) -> AutoencoderKLWan:
        """A plain autoencoder of these dimensions, randomly initialised, in evaluation mode."""
        from diffusers import AutoencoderKLWan  # noqa: PLC0415 - takes seconds, and dimensions need none of it

        channels = _RGB * (self.patch_size or 1) ** 2
        return AutoencoderKLWan(
            base_dim=self.base_dim,
            decoder_base_dim=self.decoder_base_dim,
            z_dim=self.latent_channels,
            dim_mult=list(self.dim_mult),
            num_res_blocks=self.num_res_blocks,
            attn_scales=[],
            temperal_downsample=list(self.temporal_downsample),
            dropout=self.dropout,
            latents_mean=list(self.latent_mean),
            latents_std=list(self.latent_std),
            in_channels=channels,
            out_channels=channels,
            patch_size=self.patch_size,
            scale_factor_temporal=self.temporal_factor,
            scale_factor_spatial=self.spatial_factor,
        ).eval()


def _refuse_attention(values: Mapping[str, Any]) -> None:
    if values.get("attn_scales"):
        raise ValueError(
            f"attn_scales={list(values['attn_scales'])}: attention between the stages is not supported; "
            "no published autoencoder has it"
        )


def _renamed(
    values: Mapping[str, Any], names: Mapping[str, str], optional: Mapping[str, str]
) -> dict[str, Any]:
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(f"the autoencoder's configuration lacks {', '.join(missing)}")
    chosen = {own: values[name] for name, own in names.items()}
    chosen |= {own: values[name] for name, own in optional.items() if values.get(name) is not None}
    return chosen
