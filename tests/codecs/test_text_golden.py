# SPDX-License-Identifier: Apache-2.0
"""The text encoder against the recorded numbers, loaded from the published names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from shotstream_runtime.codecs.text import Umt5TextEncoder
from shotstream_runtime.codecs.umt5_config import Umt5Config
from shotstream_runtime.weights.layouts import text_layout
from torch import Tensor

pytestmark = pytest.mark.golden

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def io(golden_tensors: Callable[[str], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    return golden_tensors("t5_io")


@pytest.fixture(scope="module")
def encoder(
    golden_dir: Any, golden_json: Any, golden_tensors: Any, io: Mapping[str, Tensor]
) -> Umt5TextEncoder:
    config = Umt5Config.from_published(golden_json("t5_config"))
    model = config.build()
    text_layout(config).load(model, dict(golden_tensors("t5_weights")), golden_dir / "t5_weights.safetensors")
    ids, mask = io["in.ids"], io["in.mask"]
    # Stands where the tokenizer would: gives the recorded ids of caption 0, 1, ...
    recorded = {f"caption {row}": ids[row][mask[row].bool()].tolist() for row in range(len(ids))}
    return Umt5TextEncoder(model, recorded.__getitem__, text_len=ids.shape[1])


def test_raw_states(encoder: Umt5TextEncoder, io: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        states = encoder.model(input_ids=io["in.ids"], attention_mask=io["in.mask"]).last_hidden_state
    torch.testing.assert_close(states, io["out.raw_encoder_out"], atol=TOLERANCE, rtol=0)


def test_features_are_zero_where_padded(encoder: Umt5TextEncoder, io: Mapping[str, Tensor]) -> None:
    features = encoder.encode_tokens(io["in.ids"], io["in.mask"])
    torch.testing.assert_close(features, io["out.prompt_embeds"], atol=TOLERANCE, rtol=0)
    assert not features[~io["in.mask"].bool()].any()


def test_features_of_one_prompt(encoder: Umt5TextEncoder, io: Mapping[str, Tensor]) -> None:
    for row, expected in enumerate(io["out.prompt_embeds"]):
        features = encoder.encode(f"caption {row}")
        torch.testing.assert_close(features.embeds, expected, atol=TOLERANCE, rtol=0)
        assert features.notices == ()
