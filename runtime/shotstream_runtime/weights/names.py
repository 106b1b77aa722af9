# SPDX-License-Identifier: Apache-2.0
"""Names of tensors in the published files, from the names our libraries give them."""

from __future__ import annotations

import re

STUDENT_ENTRY = "generator"
"""Entry of the published student file that holds the student."""

_STUDENT_PREFIX = "model."

_RESIDUAL_BLOCK = {
    "norm1": "residual.0",
    "conv1": "residual.2",
    "norm2": "residual.3",
    "conv2": "residual.6",
    "conv_shortcut": "shortcut",
}
_VIDEO_TOP = {"quant_conv": "conv1", "post_quant_conv": "conv2"}
_VIDEO_SIDE = {"conv_in": "conv1", "norm_out": "head.0", "conv_out": "head.2"}
_VIDEO_MIDDLE = {"resnets.0": "middle.0", "attentions.0": "middle.1", "resnets.1": "middle.2"}
_UP_BLOCK = re.compile(r"up_blocks\.(\d+)\.(resnets|upsamplers)\.(\d+)\.(.+)")

_UMT5_TOP = {"shared.weight": "token_embedding.weight", "encoder.final_layer_norm.weight": "norm.weight"}
_UMT5_LAYER = {
    "0.layer_norm": "norm1",
    "1.layer_norm": "norm2",
    "0.SelfAttention.q": "attn.q",
    "0.SelfAttention.k": "attn.k",
    "0.SelfAttention.v": "attn.v",
    "0.SelfAttention.o": "attn.o",
    "0.SelfAttention.relative_attention_bias": "pos_embedding.embedding",
    "1.DenseReluDense.wi_0": "ffn.gate.0",
    "1.DenseReluDense.wi_1": "ffn.fc1",
    "1.DenseReluDense.wo": "ffn.fc2",
}
_UMT5_BLOCK = re.compile(r"encoder\.block\.(\d+)\.layer\.(.+)\.weight")

UMT5_EMBEDDING_ALIAS = "encoder.embed_tokens.weight"
"""Second name of `shared.weight` in transformers."""


def published_student_name(name: str) -> str:
    """`Student` to the `generator` entry of the published file."""
    return _STUDENT_PREFIX + name


def published_video_name(name: str, num_res_blocks: int) -> str:
    """`diffusers.AutoencoderKLWan` to the published autoencoder file.

    Args:
        name: The library's name.
        num_res_blocks: Residual blocks per stage; the published decoder numbers its layers through all
            stages.

    Raises:
        ValueError: The name is not one of that autoencoder.
    """
    head, _, rest = name.partition(".")
    if head in _VIDEO_TOP:
        return f"{_VIDEO_TOP[head]}.{rest}"
    layer, _, leaf = rest.partition(".")
    if head in ("encoder", "decoder"):
        if layer in _VIDEO_SIDE:
            return f"{head}.{_VIDEO_SIDE[layer]}.{leaf}"
        if layer == "mid_block":
            kind, number, inner = leaf.split(".", 2)
            return f"{head}.{_VIDEO_MIDDLE[f'{kind}.{number}']}.{_block_name(inner)}"
        if layer == "down_blocks":
            number, _, inner = leaf.partition(".")
            return f"{head}.downsamples.{number}.{_block_name(inner)}"
        if (match := _UP_BLOCK.fullmatch(rest)) is not None:
            stage, kind, number, inner = match.groups()
            # A stage has one residual block more than the encoder's, and then its upsampler.
            place = int(number) if kind == "resnets" else num_res_blocks + 1
            return f"{head}.upsamples.{int(stage) * (num_res_blocks + 2) + place}.{_block_name(inner)}"
    raise ValueError(f"'{name}' is not a tensor of the Wan2.1 autoencoder")


def _block_name(name: str) -> str:
    head, _, leaf = name.partition(".")
    return f"{_RESIDUAL_BLOCK.get(head, head)}.{leaf}"


def published_text_name(name: str) -> str:
    """`transformers.UMT5EncoderModel` to the published text encoder file.

    Raises:
        ValueError: The name is not one of that encoder, or only an alias.
    """
    if name in _UMT5_TOP:
        return _UMT5_TOP[name]
    match = _UMT5_BLOCK.fullmatch(name)
    if match is None or match[2] not in _UMT5_LAYER:
        raise ValueError(f"'{name}' is not a tensor of the umT5 encoder")
    return f"blocks.{match[1]}.{_UMT5_LAYER[match[2]]}.weight"
