# SPDX-License-Identifier: Apache-2.0
"""The published layouts: at full size on the meta device, and name by name against the golden files."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.model.config import StudentConfig
from shotstream_runtime.weights import layouts
from shotstream_runtime.weights.layouts import Layout
from shotstream_runtime.weights.names import published_text_name, published_video_name


def test_full_student_has_the_published_names_shapes_and_size() -> None:
    layout = layouts.student_layout(StudentConfig())
    assert (len(layout.shapes), layout.parameters) == (825, 1_418_996_800)
    assert all(name.startswith("model.") for name in layout.shapes)
    expected = {
        "model.patch_embedding.weight": (1536, 16, 1, 2, 2),
        "model.text_embedding.0.weight": (1536, 4096),
        "model.text_embedding.2.weight": (1536, 1536),
        "model.time_embedding.0.weight": (1536, 256),
        "model.time_projection.1.weight": (9216, 1536),
        "model.blocks.0.modulation": (1, 6, 1536),
        "model.blocks.29.self_attn.norm_q.weight": (1536,),
        "model.blocks.29.cross_attn.k.bias": (1536,),
        "model.blocks.29.norm3.weight": (1536,),
        "model.blocks.29.ffn.0.weight": (8960, 1536),
        "model.blocks.29.ffn.2.weight": (1536, 8960),
        "model.head.modulation": (1, 2, 1536),
        "model.head.head.weight": (64, 1536),
    }
    assert {name: layout.shapes.get(name) for name in expected} == expected


def test_full_autoencoder_has_the_published_names_shapes_and_size() -> None:
    layout = layouts.video_layout(VideoCodecConfig())
    assert (len(layout.shapes), layout.parameters) == (194, 126_892_531)
    expected = {
        "conv1.weight": (32, 32, 1, 1, 1),
        "conv2.weight": (16, 16, 1, 1, 1),
        "encoder.conv1.weight": (96, 3, 3, 3, 3),
        "encoder.downsamples.5.time_conv.weight": (192, 192, 3, 1, 1),
        "encoder.downsamples.3.shortcut.weight": (192, 96, 1, 1, 1),
        "encoder.middle.1.to_qkv.weight": (1152, 384, 1, 1),
        "encoder.head.2.weight": (32, 384, 3, 3, 3),
        "decoder.upsamples.3.resample.1.weight": (192, 384, 3, 3),
        "decoder.upsamples.4.shortcut.weight": (384, 192, 1, 1, 1),
        "decoder.upsamples.14.residual.6.weight": (96, 96, 3, 3, 3),
        "decoder.head.0.gamma": (96, 1, 1, 1),
    }
    assert {name: layout.shapes.get(name) for name in expected} == expected


def test_full_text_encoder_has_the_published_names_shapes_and_size() -> None:
    layout = layouts.text_layout(Umt5Config())
    assert (len(layout.shapes), layout.parameters) == (242, 5_680_910_336)
    expected = {
        "token_embedding.weight": (256384, 4096),
        "blocks.23.attn.o.weight": (4096, 4096),
        "blocks.23.pos_embedding.embedding.weight": (32, 64),
        "blocks.23.ffn.gate.0.weight": (10240, 4096),
        "blocks.23.ffn.fc1.weight": (10240, 4096),
        "blocks.23.ffn.fc2.weight": (4096, 10240),
        "blocks.23.norm2.weight": (4096,),
        "norm.weight": (4096,),
    }
    assert {name: layout.shapes.get(name) for name in expected} == expected


@pytest.mark.golden
@pytest.mark.parametrize("part", ["student", "vae", "t5"])
def test_layouts_have_the_names_and_shapes_of_the_golden_files(
    part: str, golden_json: Any, golden_tensors: Any
) -> None:
    config = golden_json(f"{part}_config")
    layout = {
        "student": lambda: layouts.student_layout(StudentConfig.from_dict(config)),
        "vae": lambda: layouts.video_layout(VideoCodecConfig.from_published(config)),
        "t5": lambda: layouts.text_layout(Umt5Config.from_published(config)),
    }[part]()
    stored = {name: tuple(tensor.shape) for name, tensor in golden_tensors(f"{part}_weights").items()}
    assert layout.shapes == stored


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_every_name_of_the_autoencoder_has_one_published_name(blocks: int) -> None:
    config = VideoCodecConfig(
        base_dim=2, dim_mult=(1, 2, 2), num_res_blocks=blocks, temporal_downsample=(False, True)
    )
    names = list(layouts.library_video_layout(config).shapes)
    published = {published_video_name(name, blocks) for name in names}
    assert len(published) == len(names)
    # The decoder's layers are numbered without a gap: stages of blocks + 1, an upsampler between them.
    numbers = {int(name.split(".")[2]) for name in published if name.startswith("decoder.upsamples.")}
    assert numbers == set(range(3 * (blocks + 1) + 2))


@pytest.mark.parametrize(
    "name", ["decoder.colour", "side.conv_in.weight", "decoder.up_blocks.0.bend.0.weight"]
)
def test_unknown_names_have_no_published_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        published_video_name(name, 2)
    with pytest.raises(ValueError, match=name):
        published_text_name(name)


def small_layout() -> Layout:
    return Layout(
        shapes={"a": (2, 3), "b": (4,)}, targets={"a": ("a",), "b": ("b",)}, aliases={"copy of a": "a"}
    )


def test_problems_name_tensors_and_both_shapes() -> None:
    layout = small_layout()
    good = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    assert layout.problems(good) == []
    assert layout.problems({"a": good["a"]}) == ["tensor 'b' is missing (expected shape [4])"]
    assert layout.problems({**good, "a": torch.zeros(3, 2)}) == [
        "tensor 'a' has shape [3, 2]; expected [2, 3]"
    ]
    assert layout.problems({**good, "c": torch.zeros(5)}) == ["tensor 'c' of shape [5] is unexpected"]
    whole = {**good, "b": torch.zeros(4, dtype=torch.int64)}
    assert layout.problems(whole) == ["tensor 'b' of type torch.int64 holds no weights"]


def test_an_alias_may_stand_beside_or_instead_of_a_tensor() -> None:
    layout = small_layout()
    a, b = torch.zeros(2, 3), torch.zeros(4)
    assert layout.problems({"a": a, "b": b, "copy of a": a}) == []
    assert layout.problems({"b": b, "copy of a": a}) == []
    assert layout.problems({"a": a, "b": b, "copy of a": b}) == [
        "tensor 'copy of a' has shape [4]; expected [2, 3]"
    ]
