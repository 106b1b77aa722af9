# SPDX-License-Identifier: Apache-2.0
"""Prompts to features: a frozen encoder that remembers, or mini's, which may learn along."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import torch
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.codecs.text import TextEncoder
from torch import Tensor

from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.place import Place

REMEMBERED = 256
"""Prompts whose features are kept on the host; those of the published encoder take 8 MB each."""


class CaptionReader(Protocol):
    """Turns the prompts of a batch into features."""

    def __call__(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        """Features ``[b, n, text_len, text_dim]``; samples with fewer prompts are filled up with zeros."""
        ...


class FrozenCaptions:
    """Reads with an encoder that does not learn.

    Args:
        encoder: The encoder.
        place: Where the features are wanted.
    """

    def __init__(self, encoder: TextEncoder, place: Place) -> None:
        self._place = place
        self._read = lru_cache(REMEMBERED)(lambda prompt: encoder.encode(prompt).embeds.float().cpu())

    @torch.no_grad()
    def __call__(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        rows = [torch.stack([self._read(prompt) for prompt in own]) for own in prompts]
        most = max(len(row) for row in rows)
        filled = [torch.cat((row, row.new_zeros(most - len(row), *row.shape[1:]))) for row in rows]
        return torch.stack(filled).to(self._place.device)


class LearningCaptions:
    """Reads with mini's text side; gradient reaches it where it is enabled.

    Args:
        network: Mini's text side.
    """

    def __init__(self, network: TrainedNetwork) -> None:
        self.network = network
        encoder = network.inner
        if not isinstance(encoder, MiniTextEncoder):
            raise TypeError(f"{type(encoder).__name__} cannot learn along; use FrozenCaptions")
        self._tokenise = encoder.tokenise
        self._length = encoder.config.text_len

    def __call__(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        most = max(len(own) for own in prompts)
        ids = torch.zeros(len(prompts), most, self._length, dtype=torch.long)
        for row, own in enumerate(prompts):
            ids[row, : len(own)] = self._tokenise(own)[0]
        return self.read_ids(ids.to(self.network.place.device))

    def read_ids(self, ids: Tensor) -> Tensor:
        """Features of token ids ``[b, n, text_len]``."""
        flat = ids.flatten(0, 1)
        features = self.network(lambda encoder: encoder(flat, flat != 0))
        embeds: Tensor = features.float().unflatten(0, ids.shape[:2])
        return embeds
