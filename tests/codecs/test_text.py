# SPDX-License-Identifier: Apache-2.0
"""Prompts to features with a tiny umT5 encoder and a real tokenizer file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from shotstream_runtime.codecs.text import CaptionNotice, Umt5TextEncoder, clean_prompt, load_tokenizer
from shotstream_runtime.codecs.umt5_config import Umt5Config
from tokenizers import Tokenizer, models, pre_tokenizers, processors

END = 1
TINY = Umt5Config(vocab_size=40, dim=16, dim_attn=16, dim_ffn=24, num_heads=2, num_layers=2)


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words to ids, `</s>` at the end; with settings for padding and truncation, as published files have."""
    words = ["<pad>", "</s>", "<unk>", "a", "fox", "runs", "in", "the", "snow"]
    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="<unk>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    tokenizer.enable_padding(length=32, pad_id=0, pad_token="<pad>")  # noqa: S106
    tokenizer.enable_truncation(max_length=5)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="module")
def encoder(tokenizer_file: Path) -> Umt5TextEncoder:
    torch.manual_seed(0)
    return Umt5TextEncoder(TINY.build(), load_tokenizer(tokenizer_file), text_len=8)


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("  a fox \n\t runs  ", "a fox runs"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp; Jerry &lt;3", "Tom & Jerry <3"),
        ("a caf\u00c3\u00a9 in the snow", "a caf\u00e9 in the snow"),
        ("the fox\u2019s tail", "the fox's tail"),
        ("a\u3000fox", "a fox"),
        ("", ""),
    ],
)
def test_prompts_are_cleaned(given: str, cleaned: str) -> None:
    assert clean_prompt(given) == cleaned


def test_tokenizer_ends_texts_and_neither_pads_nor_cuts_them(tokenizer_file: Path) -> None:
    tokenize = load_tokenizer(tokenizer_file)
    assert list(tokenize("a fox")) == [3, 4, END]
    assert list(tokenize("a fox runs in the snow")) == [3, 4, 5, 6, 7, 8, END]
    assert list(tokenize("")) == [END]


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json is not a tokenizer"):
        load_tokenizer(path)


def test_features_are_float32_and_zero_beyond_the_tokens(encoder: Umt5TextEncoder) -> None:
    features = encoder.encode("a  fox\nruns")
    assert features.embeds.shape == (8, 16)
    assert features.embeds.dtype == torch.float32
    assert features.embeds[:4].abs().sum(dim=1).min() > 0
    assert not features.embeds[4:].any()
    assert features.notices == ()
    assert torch.equal(features.embeds, encoder.encode("a fox runs").embeds)


def test_padding_does_not_reach_the_tokens(encoder: Umt5TextEncoder) -> None:
    ids = torch.tensor([[3, 4, END]])
    alone = encoder.encode_tokens(ids, torch.ones_like(ids))[0]
    torch.testing.assert_close(encoder.encode("a fox").embeds[:3], alone, atol=1e-5, rtol=1e-5)


def test_too_long_a_prompt_keeps_its_end_token_and_says_so(encoder: Umt5TextEncoder) -> None:
    long = "a fox runs in the snow a fox runs in the snow"
    features = encoder.encode(long)
    (notice,) = features.notices
    assert notice.code == "too_long"
    assert "13 tokens of at most 8" in notice.text
    kept = torch.tensor([[3, 4, 5, 6, 7, 8, 3, END]])
    torch.testing.assert_close(features.embeds, encoder.encode_tokens(kept, torch.ones_like(kept))[0])
    assert encoder.encode("a fox runs in the snow a").notices == ()


def test_text_len_must_be_positive(encoder: Umt5TextEncoder) -> None:
    with pytest.raises(ValueError, match="text_len must be at least 1, got 0"):
        Umt5TextEncoder(encoder.model, lambda text: [END], text_len=0)


def test_published_and_transformers_dimensions_agree() -> None:
    folder = {
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_heads": 64,
        "num_layers": 24,
        "vocab_size": 256384,
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "layer_norm_epsilon": 1e-6,
        "architectures": ["UMT5EncoderModel"],
    }
    assert Umt5Config.from_transformers(folder) == Umt5Config() == Umt5Config.from_published({})


def test_attention_narrower_than_the_features_is_built_as_stated() -> None:
    model = Umt5Config(vocab_size=9, dim=16, dim_attn=8, dim_ffn=4, num_heads=4, num_layers=1).build()
    attention = model.encoder.block[0].layer[0].SelfAttention
    assert (attention.q.weight.shape, attention.key_value_proj_dim) == ((8, 16), 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Umt5Config(dim_attn=10, num_heads=4), "dim_attn=10 must be a multiple of num_heads=4"),
        (lambda: Umt5Config.from_published({"shared_pos": True}), "shared_pos=true is T5"),
        (lambda: Umt5Config.from_transformers({"d_model": 4}), "lacks d_kv, vocab_size"),
        (lambda: Umt5Config.from_published({"num_layers": 0}), "num_layers"),
    ],
)
def test_other_encoders_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("code", ["", "too-long", "Outside", "1st", "a" * 65])
def test_notice_codes_are_those_of_the_protocol(code: str) -> None:
    with pytest.raises(ValueError, match="must match"):
        CaptionNotice(code, "words for people")
