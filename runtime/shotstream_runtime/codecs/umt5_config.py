# SPDX-License-Identifier: Apache-2.0
"""Dimensions of the umT5 encoder, under the names of the published file and of transformers folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, model_validator

if TYPE_CHECKING:
    from transformers import UMT5EncoderModel

_TRANSFORMERS_NAMES = {
    "vocab_size": "vocab_size",
    "d_model": "dim",
    "d_ff": "dim_ffn",
    "num_heads": "num_heads",
    "num_layers": "num_layers",
    "relative_attention_num_buckets": "num_buckets",
    "relative_attention_max_distance": "relative_max_distance",
    "layer_norm_epsilon": "layer_norm_eps",
}


class Umt5Config(BaseModel):
    """What a umT5 encoder is made of. The defaults are those of the published one (umT5-XXL).

    Attributes:
        vocab_size: Rows of the token embedding.
        dim: Width of the features.
        dim_attn: Width of all attention heads together.
        dim_ffn: Width of the gated feed-forward layer.
        num_heads: Attention heads.
        num_layers: Transformer blocks, each with position biases of its own.
        num_buckets: Relative positions with a bias of their own.
        relative_max_distance: Distance from which on positions share the last bucket.
        layer_norm_eps: Epsilon of every norm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: PositiveInt = 256384
    dim: PositiveInt = 4096
    dim_attn: PositiveInt = 4096
    dim_ffn: PositiveInt = 10240
    num_heads: PositiveInt = 64
    num_layers: PositiveInt = 24
    num_buckets: PositiveInt = 32
    relative_max_distance: PositiveInt = 128
    layer_norm_eps: PositiveFloat = 1e-6

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dim_attn % self.num_heads:
            raise ValueError(f"dim_attn={self.dim_attn} must be a multiple of num_heads={self.num_heads}")
        return self

    @classmethod
    def from_published(cls, values: Mapping[str, Any]) -> Self:
        """Reads the field names of the published encoder's configuration; unrelated fields are ignored.

        Raises:
            ValueError: A field has an impossible value, or position biases are shared between the blocks.
        """
        if values.get("shared_pos"):
            raise ValueError("shared_pos=true is T5; umT5 has position biases in every block")
        return cls(**{name: values[name] for name in cls.model_fields if name in values})

    @classmethod
    def from_transformers(cls, values: Mapping[str, Any]) -> Self:
        """Reads a transformers folder's `text_encoder/config.json`; unrelated fields are ignored.

        Raises:
            ValueError: A field is missing or has an impossible value.
        """
        missing = [name for name in ("d_kv", *_TRANSFORMERS_NAMES) if name not in values]
        if missing:
            raise ValueError(f"the text encoder's configuration lacks {', '.join(missing)}")
        chosen = {own: values[name] for name, own in _TRANSFORMERS_NAMES.items()}
        return cls(dim_attn=values["d_kv"] * values["num_heads"], **chosen)

    def build(self) -> UMT5EncoderModel:
        """An encoder of these dimensions in evaluation mode; without dropout: nothing trains it here."""
        from transformers import UMT5Config, UMT5EncoderModel  # noqa: PLC0415 - slow to import

        config = UMT5Config(
            d_kv=self.dim_attn // self.num_heads,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",  # the tanh form of GELU
            **{name: getattr(self, own) for name, own in _TRANSFORMERS_NAMES.items()},
        )
        return UMT5EncoderModel(config).eval()
