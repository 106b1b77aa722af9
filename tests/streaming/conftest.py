# SPDX-License-Identifier: Apache-2.0
"""A tiny model with real structure: the golden student and autoencoder, and a text side made of seeds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from golden_story import load_golden_model
from shotstream_runtime.codecs.text import CaptionFeatures, CaptionNotice
from shotstream_runtime.weights.load import LoadedModel


@dataclass(frozen=True)
class SeededText:
    """Features drawn from a seed that is the prompt's hash; "unheard of" gives a notice."""

    text_len: int
    text_dim: int

    def encode(self, prompt: str) -> CaptionFeatures:
        seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "little")
        embeds = torch.randn(self.text_len, self.text_dim, generator=torch.Generator().manual_seed(seed))
        embeds[len(prompt.split()) :] = 0
        notices = (CaptionNotice("outside_world", "never heard of it"),) if "unheard of" in prompt else ()
        return CaptionFeatures(embeds, notices)


@pytest.fixture(scope="session")
def tiny_model(golden_dir: Path, golden_json: Any) -> LoadedModel:
    """The golden networks as a loaded model, at the size of the golden rollout."""
    values = golden_json("student_config")
    return load_golden_model(golden_dir, SeededText(values["text_len"], values["text_dim"]))
