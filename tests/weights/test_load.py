# SPDX-License-Identifier: Apache-2.0
"""Whole models from folders of every layout, and what is said when a folder is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from published_folder import PROFILE, STUDENT, TEXT, TinyPublished, write_json
from safetensors.torch import load_file, save_file
from shotstream_runtime.codecs.streamed_text import stream_blocks
from shotstream_runtime.codecs.text import Umt5TextEncoder
from shotstream_runtime.weights.errors import CheckpointError, WeightsError
from shotstream_runtime.weights.load import LoadedModel, TextPlacement, load_model


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyPublished().write(tmp_path_factory.mktemp("weights") / "published")


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(published, tmp_path / "copy"))


def outputs(model: LoadedModel) -> list[torch.Tensor]:
    """What all three parts compute, down to the last weight."""
    features = model.text.encode("a fox runs in the snow").embeds
    student = model.student
    generator = torch.Generator().manual_seed(5)
    latents = torch.randn(1, 2, STUDENT.in_dim, 4, 4, generator=generator)
    with torch.no_grad():
        flow = student.forward_sequence(
            latents,
            torch.tensor([[700.0, 700.0]]),
            features[None, None],
            torch.zeros(1, 2, dtype=torch.long),
            torch.tensor([[6.0, 7.0]]),
            torch.ones(1, 2, dtype=torch.long),
            None,
        )
    return [
        features,
        flow,
        model.video.decode_clip(latents),
        model.video.encode_frames(torch.zeros(1, 3, 16, 32)),
    ]


@pytest.mark.parametrize("kind", ["safetensors", "diffusers"])
def test_all_layouts_give_the_same_model(published: Path, tmp_path: Path, kind: Any) -> None:
    expected = load_model(published)
    folder = TinyPublished().write(tmp_path / kind, kind)
    # The text encoder comes in several files, as the real one does.
    assert (folder / "text_encoder" / "model.safetensors.index.json").is_file() == (kind == "diffusers")
    model = load_model(folder)
    for actual, wanted in zip(outputs(model), outputs(expected), strict=True):
        assert torch.equal(actual, wanted)
        assert actual.abs().max() > 1e-4
    if kind == "safetensors":
        assert model.profile.weights_hash == expected.profile.weights_hash


def test_a_loaded_model_is_ready_for_inference(published: Path) -> None:
    model = load_model(published)
    assert model.name == "tiny"
    assert isinstance(model.text.inner, Umt5TextEncoder)
    assert len(model.profile.weights_hash) == 64
    assert model.profile.model_copy(update={"weights_hash": ""}) == PROFILE
    for module in (model.student, model.video.vae, model.text.inner.model):
        assert not module.training
        assert not any(parameter.requires_grad or parameter.is_meta for parameter in module.parameters())
    assert model.video.latent_channels == STUDENT.in_dim


def test_weights_of_every_part_are_in_the_hash(published: Path, tmp_path: Path) -> None:
    hashes = {load_model(published).profile.weights_hash}
    for part, name in (("student", "model.head.head.bias"), ("video", "conv2.bias"), ("text", "norm.weight")):
        weights = TinyPublished()
        getattr(weights, part)[name][-1] += 1
        hashes.add(load_model(weights.write(tmp_path / part)).profile.weights_hash)
    assert len(hashes) == 4


def test_types_of_weights(tmp_path: Path) -> None:
    weights = TinyPublished()
    weights.text = {name: tensor.bfloat16() for name, tensor in weights.text.items()}
    folder = weights.write(tmp_path / "mixed")
    model = load_model(folder, dtype=torch.bfloat16, video_dtype=torch.float32)
    assert model.student.dtype == torch.bfloat16
    assert model.video.dtype == torch.float32
    encoder = model.text.inner
    assert isinstance(encoder, Umt5TextEncoder)
    assert encoder.model.shared.weight.dtype == torch.bfloat16, "stays as stored"
    assert model.text.encode("a fox").embeds.dtype == torch.float32
    wide = load_model(folder, text_dtype=torch.float32).text.inner
    assert isinstance(wide, Umt5TextEncoder)
    assert wide.model.shared.weight.dtype == torch.float32


def test_publishers_repositories_side_by_side(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clones"
    shot, wan = folder / "ShotStream", folder / "Wan-AI" / "Wan2.1-T2V-1.3B"
    shutil.copytree(published, wan)
    shot.mkdir()
    for name in ("shotstream_merged.pt", "student_config.json"):
        (wan / name).rename(shot / name)
    (wan / "profile.json").rename(folder / "profile.json")
    assert load_model(folder).profile.weights_hash == load_model(published).profile.weights_hash


def test_a_part_that_is_there_twice_is_ambiguous(folder: Path) -> None:
    for place in ("one", "two"):
        (folder / place).mkdir()
        shutil.copy(folder / "Wan2.1_VAE.pth", folder / place)
    load_model(folder)  # the nearest wins
    (folder / "Wan2.1_VAE.pth").unlink()
    with pytest.raises(WeightsError, match=r"Wan2\.1_VAE\.pth twice: .*one.*two.*name the folder you mean"):
        load_model(folder)


# -- what is said when a folder is wrong ------------------------------------------------------------


def spoil_pickle(name: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = torch.load(folder / name, weights_only=True)
        change(content)
        torch.save(content, folder / name)

    return spoil


def truncate(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return spoil


def spoil_json(name: str, **values: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        write_json(folder / name, content | values)

    return spoil


STUDENT_FILE, VIDEO_FILE, TEXT_FILE = (
    "shotstream_merged.pt",
    "Wan2.1_VAE.pth",
    "models_t5_umt5-xxl-enc-bf16.pth",
)
HEAD = "model.head.head.weight"


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (
            spoil_pickle(STUDENT_FILE, lambda c: c["generator"].update({HEAD: torch.zeros(5, 24)})),
            CheckpointError,
            rf"shotstream_merged\.pt: tensor '{HEAD}' has shape \[5, 24\]; expected \[16, 24\]$",
        ),
        (
            spoil_pickle(STUDENT_FILE, lambda c: c["generator"].pop(HEAD)),
            CheckpointError,
            rf"shotstream_merged\.pt: tensor '{HEAD}' is missing \(expected shape \[16, 24\]\)$",
        ),
        (
            spoil_pickle(STUDENT_FILE, lambda c: c["generator"].update({"model.tail": torch.zeros(2)})),
            CheckpointError,
            r"shotstream_merged\.pt: tensor 'model\.tail' of shape \[2\] is unexpected$",
        ),
        (
            spoil_pickle(STUDENT_FILE, lambda c: c.update(generator={})),
            CheckpointError,
            r"'model\.\S+' is missing .*; and \d+ more problems$",
        ),
        (
            spoil_pickle(STUDENT_FILE, lambda c: c.update(ema=c.pop("generator"))),
            CheckpointError,
            r"shotstream_merged\.pt has no entry 'generator'; it has 'step', 'ema'",
        ),
        (
            spoil_pickle(VIDEO_FILE, lambda c: c.update({"conv2.weight": torch.zeros(4, 3, 1, 1, 1)})),
            CheckpointError,
            r"VAE\.pth: tensor 'conv2\.weight' has shape \[4, 3, 1, 1, 1\]; expected \[4, 4, 1, 1, 1\]",
        ),
        (
            spoil_pickle(TEXT_FILE, lambda c: c.pop("token_embedding.weight")),
            CheckpointError,
            r"enc-bf16\.pth: tensor 'token_embedding\.weight' is missing \(expected shape \[40, 16\]\)",
        ),
        (truncate(STUDENT_FILE), CheckpointError, r"shotstream_merged\.pt \(\d+ bytes\) is truncated"),
        (truncate(VIDEO_FILE), CheckpointError, r"Wan2\.1_VAE\.pth \(\d+ bytes\) is truncated"),
        (truncate(TEXT_FILE), CheckpointError, r"enc-bf16\.pth \(\d+ bytes\) is truncated"),
        (truncate("google/umt5-xxl/tokenizer.json"), CheckpointError, r"tokenizer\.json is not a tokenizer"),
        (
            lambda folder: (folder / VIDEO_FILE).unlink(),
            WeightsError,
            r"lacks the autoencoder \(Wan2\.1_VAE\.pth or vae/diffusion_pytorch_model\.safetensors\)",
        ),
        (
            lambda folder: shutil.rmtree(folder / "google"),
            WeightsError,
            "lacks the tokenizer .* shotstream weights fetch",
        ),
        (
            spoil_json("student_config.json", num_heads=5),
            WeightsError,
            r"student_config\.json: dim=24 must be",
        ),
        (spoil_json("vae_config.json", attn_scales=[0.5]), WeightsError, r"vae_config\.json: attn_scales"),
        (spoil_json("t5_config.json", num_layers=0), WeightsError, r"t5_config\.json: num_layers: "),
        (truncate("t5_config.json"), WeightsError, r"t5_config\.json: "),
        (spoil_json("profile.json", width=30), WeightsError, "30x16 pixels must be multiples of 16x16"),
        (spoil_json("profile.json", height="tall"), WeightsError, r"profile\.json: height: .*'tall'"),
        (spoil_json("profile.json", colour="red"), WeightsError, r"profile\.json: colour: Extra"),
        (spoil_json("profile.json", frames_per_chunk=2), WeightsError, "has 2 latent frames per chunk"),
        (
            spoil_json("profile.json", latent_frames_per_shot=7),
            WeightsError,
            "latent_frames_per_shot=7 must be",
        ),
    ],
)
def test_a_wrong_folder_is_explained(
    folder: Path, spoil: Callable[[Path], None], error: type[WeightsError], message: str
) -> None:
    spoil(folder)
    with pytest.raises(error, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_len": 9}, None),  # the text side pads to whatever the student reads
        ({"text_dim": 12}, "the text encoder has 16 text features, the student reads 12"),
        ({"in_dim": 8, "out_dim": 8}, "the autoencoder has 4 latent channels, the student reads 8"),
    ],
)
def test_parts_not_made_for_each_other_are_refused(
    folder: Path, change: dict[str, int], message: str | None
) -> None:
    from dataclasses import asdict, replace

    from published_folder import random_tensors
    from shotstream_runtime.weights.layouts import student_layout

    config = replace(STUDENT, **change)
    write_json(folder / "student_config.json", asdict(config))
    torch.save({"generator": random_tensors(student_layout(config), 1)}, folder / STUDENT_FILE)
    if message is None:
        assert load_model(folder).text.encode("a fox").embeds.shape == (9, TEXT.dim)
        return
    with pytest.raises(WeightsError, match=message):
        load_model(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is not a folder; fetch the weights with"):
        load_model(tmp_path / "nowhere")


# -- our own format ---------------------------------------------------------------------------------


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    from tiny_model_folder import write_tiny_model

    return write_tiny_model(tmp_path / "own")


def test_own_format_loads_and_stored_half_precision_becomes_full(own_folder: Path) -> None:
    expected = load_model(own_folder)
    for name in ("student.safetensors", "vae.safetensors"):
        halves = {key: tensor.half() for key, tensor in load_file(own_folder / name).items()}
        save_file(halves, own_folder / name)
    model = load_model(own_folder)
    assert model.student.dtype == model.video.dtype == torch.float32
    assert model.profile.weights_hash != expected.profile.weights_hash
    latents = torch.randn(1, 2, model.video.latent_channels, 2, 4)
    torch.testing.assert_close(
        model.video.decode_clip(latents), expected.video.decode_clip(latents), atol=2e-2, rtol=0
    )
    features = model.text.encode("a red fox")
    assert features.embeds.shape == (model.student.config.text_len, model.student.config.text_dim)


def test_own_format_says_what_is_missing_or_wrong(own_folder: Path) -> None:
    weights = load_file(own_folder / "vae.safetensors")
    weights["decoder.conv_in.bias"] = torch.zeros(3)
    save_file(weights, own_folder / "vae.safetensors")
    with pytest.raises(
        CheckpointError, match=r"vae\.safetensors: tensor 'decoder\.conv_in\.bias' has shape \[3\]"
    ):
        load_model(own_folder)
    (own_folder / "vae_config.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks vae_config\.json; copy the whole folder"):
        load_model(own_folder)


def test_a_text_encoder_streamed_from_main_memory_gives_the_same(published: Path) -> None:
    expected = load_model(published).text.encode("a fox runs").embeds
    streamed = load_model(published, text_placement=TextPlacement.STREAMED)
    encoder = streamed.text.inner.model.encoder
    before = [parameter.data_ptr() for parameter in encoder.parameters()]
    assert torch.equal(streamed.text.encode("a fox runs").embeds, expected)
    # What was brought for a block has been left again, also when the block failed.
    assert [parameter.data_ptr() for parameter in encoder.parameters()] == before
    assert len(encoder.block[0]._forward_pre_hooks) == 1


def test_blocks_of_a_streamed_text_encoder_are_brought_one_after_another(published: Path) -> None:
    model = load_model(published).text.inner.model
    device = torch.device("meta")
    stream_blocks(model, device)
    there: list[list[bool]] = []
    for block in model.encoder.block:
        block.layer[0].register_forward_hook(
            lambda *_: there.append([next(b.parameters()).is_meta for b in model.encoder.block])
        )
    ids = torch.ones(1, 4, dtype=torch.long)
    out = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    assert out.is_meta
    assert there == [[True, False], [False, True]]
    assert not any(parameter.is_meta for parameter in model.parameters())


def test_a_text_encoder_in_eight_bits_is_close(published: Path) -> None:
    expected = load_model(published).text.encode("a fox runs").embeds
    eight = load_model(published, text_placement=TextPlacement.EIGHT_BIT)
    kinds = [type(module).__name__ for module in eight.text.inner.model.encoder.block.modules()]
    assert "Linear" not in kinds
    assert kinds.count("EightBitLinear") == 14
    ours = eight.text.encode("a fox runs").embeds
    assert 0 < (ours - expected).norm() / expected.norm() < 0.03
