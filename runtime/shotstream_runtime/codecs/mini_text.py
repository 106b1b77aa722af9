# SPDX-License-Identifier: Apache-2.0
"""Mini's text side: a word table, two umT5 layers, and a notice for what mini cannot draw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import UMT5Config, UMT5EncoderModel

from .mini_lexicon import Concept, Lexicon, parse_lexicon
from .mini_limits import limit_notices
from .mini_words import MARKER, WordReader, heard_words, names_earlier_subject
from .text import CaptionFeatures, CaptionNotice

CONFIG_FILE = "text_config.json"
WEIGHTS_FILE = "text.safetensors"
LEXICON_FILE = "lexicon.json"

_PAD, _MARKER, _FIRST_WORD = 0, 1, 2
_REACH_AHEAD, _REACH_BACK = 3, 3
"""Words between which a colour and its garment belong together: `green coat`, `coat is green`."""

_TABLE = "word_table"
_TABLE_SCALE = "word_table_scale"


@dataclass(frozen=True)
class MiniTextConfig:
    """Sizes of mini's text side.

    Attributes:
        text_len: tokens of a prompt, padded. text_dim: features of a token.
        table_dim: dimensions of the word table.
        num_layers, num_heads, d_ff: the umT5 stack over it.
    """

    text_len: int = 80
    text_dim: int = 128
    table_dim: int = 64
    num_layers: int = 2
    num_heads: int = 4
    d_ff: int = 256

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Reads `text_config.json`.

        Raises:
            ValueError: a field is unknown or not a positive integer.
        """
        data = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(cls)}
        for name, value in data.items():
            if name not in known:
                raise ValueError(f"{path}: unknown field '{name}'; known are {', '.join(sorted(known))}")
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{path}: {name} must be a positive integer, got {value!r}")
        return cls(**data)


class MiniTextEncoder(nn.Module):
    """Prompts to features [text_len, text_dim] for mini, a `TextEncoder`.

    Only words of the lexicon reach the layers: a synonym carries its concept's embedding beside its own table
    vector, a word outside becomes the nearest concept's word, and what has no neighbour is left out. A
    colour's token says which garment it belongs to: a small network does not learn from word order alone
    which of two colours is the coat's. Use `with_table` or `load` to make one.
    """

    word_table: Tensor
    word_table_scale: Tensor
    _concept_of: Tensor

    def __init__(self, config: MiniTextConfig, lexicon: Lexicon, words: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.lexicon = lexicon
        self.words = tuple(words)
        self._ids = {word: _FIRST_WORD + row for row, word in enumerate(self.words)}
        missing = [word for word in lexicon.words if word not in self._ids]
        if missing:
            raise ValueError(
                f"the word table lacks {len(missing)} words of the lexicon, e.g. '{missing[0]}'; rebuild it"
            )
        self.register_buffer(_TABLE, torch.zeros(len(words), config.table_dim, dtype=torch.int8))
        self.register_buffer(_TABLE_SCALE, torch.zeros(len(words), dtype=torch.float16))
        index = {concept: 1 + i for i, concept in enumerate(lexicon.concepts)}
        concept_of = torch.zeros(_FIRST_WORD + len(words), dtype=torch.long)
        for word, concept in lexicon.by_word.items():
            concept_of[self._ids[word]] = index[concept]
        self.register_buffer("_concept_of", concept_of, persistent=False)
        garments = lexicon.group("garment")
        self._garments = {concept: 1 + i for i, concept in enumerate(garments)}
        self._stride = _FIRST_WORD + len(words)
        self.special_embedding = nn.Embedding(_FIRST_WORD, config.text_dim, padding_idx=_PAD)
        self.concept_embedding = nn.Embedding(1 + len(lexicon.concepts), config.text_dim, padding_idx=0)
        self.garment_embedding = nn.Embedding(1 + len(garments), config.text_dim, padding_idx=0)
        self.word_projection = nn.Linear(config.table_dim, config.text_dim)
        self.stack = UMT5EncoderModel(
            UMT5Config(
                vocab_size=2,  # unused; the configuration wants its end-of-text id inside
                d_model=config.text_dim,
                d_kv=config.text_dim // config.num_heads,
                d_ff=config.d_ff,
                num_layers=config.num_layers,
                num_heads=config.num_heads,
                relative_attention_num_buckets=32,
                relative_attention_max_distance=128,
                dropout_rate=0.0,
                feed_forward_proj="gated-gelu",
            )
        )
        self._reader: WordReader | None = None

    @classmethod
    def with_table(
        cls, config: MiniTextConfig, lexicon: Lexicon, words: Sequence[str], table: Tensor
    ) -> Self:
        """A fresh encoder over word vectors [n, table_dim], stored as int8 with one scale a word.

        Raises:
            ValueError: the table's shape does not fit, or it lacks a word of the lexicon.
        """
        if table.shape != (len(words), config.table_dim):
            wanted = [len(words), config.table_dim]
            raise ValueError(f"word table must be {wanted} (words, dims), got {list(table.shape)}")
        encoder = cls(config, lexicon, words)
        scale = (table.abs().amax(dim=1) / 127).clamp_min(1e-6).half()
        encoder.word_table.copy_((table / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8))
        encoder.word_table_scale.copy_(scale)
        return encoder

    @property
    def reader(self) -> WordReader:
        """How single words are read."""
        if self._reader is None:
            table = self.word_table.cpu().float() * self.word_table_scale.cpu().float()[:, None]
            self._reader = WordReader(self.lexicon, self.words, nn.functional.normalize(table, dim=-1))
        return self._reader

    def tokenise(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token ids of prompts.

        Returns:
            ids: int64 [b, text_len], 0 where padded: a word's number, plus for a colour word the number of
                its garment times the vocabulary's size. mask: bool [b, text_len], True for tokens.
            A prompt that is too long loses the end of its global caption, never the shot's own words first;
            a place of the global caption is left out where the shot names another one.
        """
        ids = torch.zeros(len(prompts), self.config.text_len, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            heard = heard_words(prompt, self.reader)
            words = [i for i in map(self._token_id, heard) if i is not None]
            kept = self._fit(self._with_garments(words))
            ids[row, : len(kept)] = torch.tensor(kept, dtype=torch.long)
        return ids, ids != _PAD

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Features of tokens, differentiable.

        Args:
            ids, mask: as `tokenise` gives them, [b, text_len].

        Returns:
            [b, text_len, text_dim], zero where padded.
        """
        dtype = self.word_projection.weight.dtype
        garments, ids = ids // self._stride, ids % self._stride
        rows = (ids - _FIRST_WORD).clamp_min(0)
        vectors = self.word_table[rows].to(dtype) * self.word_table_scale[rows].to(dtype)[..., None]
        is_word = (ids >= _FIRST_WORD)[..., None]
        # Unit vectors of 64 dimensions have entries near 1/8: scaled up to the size of the other embeddings.
        embedded = self.word_projection(vectors * self.config.table_dim**0.5)
        embedded = embedded + self.concept_embedding(self._concept_of[ids]) + self.garment_embedding(garments)
        embedded = torch.where(is_word, embedded, self.special_embedding(ids.clamp_max(_FIRST_WORD - 1)))
        # A prompt without a token still needs one visible position, or its attention would be a division 0/0.
        visible = mask.clone()
        visible[:, 0] = True
        hidden: Tensor = self.stack(
            inputs_embeds=embedded, attention_mask=visible.to(dtype)
        ).last_hidden_state
        return hidden * mask[..., None].to(hidden.dtype)

    @torch.no_grad()
    def encode(self, prompt: str) -> CaptionFeatures:
        """Features and notices of one prompt, float32 on the CPU or wherever the encoder is."""
        ids, mask = self.tokenise([prompt])
        device = self.word_table.device
        embeds = self(ids.to(device), mask.to(device))[0].float()
        return CaptionFeatures(embeds=embeds, notices=self.notices(prompt))

    def notices(self, prompt: str) -> tuple[CaptionNotice, ...]:
        """What of a prompt mini cannot draw: other words, no subject or several, camera moves, too much."""
        tokens = heard_words(prompt, self.reader)
        nearest: dict[str, str] = {}
        far: dict[str, str] = {}
        ignored: dict[str, None] = {}
        has_subject = names_earlier_subject(prompt)
        for token in tokens:
            if token == MARKER:
                continue
            reading = self.reader.read(token)
            has_subject |= reading.concept is not None and reading.concept.group == "kind"
            if reading.fate == "nearest" and reading.concept is not None:
                nearest[token] = reading.concept.name
            elif reading.fate == "far" and reading.concept is not None:
                far[token] = reading.concept.name
            elif reading.fate == "ignored":
                ignored[token] = None
        notices = []
        for word, name in nearest.items():
            text = f"'{word}' is outside what mini can draw; nearest: '{name}'"
            notices.append(CaptionNotice(code="outside_world", text=text, words=(word,)))
        for word, name in far.items():
            text = f"'{word}' is outside what mini can draw, and nothing it knows is near; it draws '{name}'"
            notices.append(CaptionNotice(code="outside_world", text=text, words=(word,)))
        if ignored:
            text = "mini does not know and ignores " + ", ".join(f"'{word}'" for word in ignored)
            notices.append(CaptionNotice(code="ignored", text=text, words=tuple(ignored)))
        if not has_subject:
            kinds = ", ".join(concept.name for concept in self.lexicon.group("kind"))
            text = f"no subject mini can draw is named; it knows: {kinds}"
            notices.append(CaptionNotice(code="no_subject", text=text, words=()))
        notices.extend(limit_notices(prompt, self.reader))
        length, room = sum(self._token_id(token) is not None for token in tokens), self.config.text_len
        if length > room:
            text = f"the prompt has {length} words, mini reads {room}; the end of the global caption is cut"
            notices.append(CaptionNotice(code="too_long", text=text, words=()))
        return tuple(notices)

    def save(self, folder: Path) -> None:
        """Writes text_config.json, text.safetensors and lexicon.json (with the table's words)."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG_FILE).write_text(json.dumps(asdict(self.config), indent=2) + "\n", encoding="utf-8")
        save_file(self._stored_state(), folder / WEIGHTS_FILE)
        data = {**self.lexicon.as_data(), "vocabulary": " ".join(self.words)}
        (folder / LEXICON_FILE).write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: a file is missing. ValueError: a file does not fit the others.
        """
        config = MiniTextConfig.from_json(folder / CONFIG_FILE)
        data = json.loads((folder / LEXICON_FILE).read_text(encoding="utf-8"))
        lexicon = parse_lexicon(data, source=str(folder / LEXICON_FILE))
        encoder = cls(config, lexicon, str(data["vocabulary"]).split())
        path = folder / WEIGHTS_FILE
        stored, expected = load_file(path), encoder._stored_state()
        for name, tensor in expected.items():
            if name not in stored:
                raise ValueError(f"{path}: tensor '{name}' is missing")
            if stored[name].shape != tensor.shape:
                found, wanted = list(stored[name].shape), list(tensor.shape)
                raise ValueError(f"{path}: '{name}' has shape {found}, the configuration asks for {wanted}")
        extra = sorted(stored.keys() - expected.keys())
        if extra:
            raise ValueError(f"{path}: unknown tensor '{extra[0]}'")
        encoder.load_state_dict(stored, strict=False)
        return encoder

    def _stored_state(self) -> dict[str, Tensor]:
        # umT5's own token embedding is never used: inputs come from the word table.
        return {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self.state_dict().items()
            if not name.endswith(("shared.weight", "embed_tokens.weight"))
        }

    def _token_id(self, token: str) -> int | None:
        if token == MARKER:
            return _MARKER
        word = self.reader.read(token).word
        return None if word is None else self._ids[word]

    def _with_garments(self, ids: list[int]) -> list[int]:
        """Adds to every colour's id which garment it describes; one ahead comes before one behind."""
        concepts = [self._concept(i) for i in ids]
        described = list(ids)
        for at, concept in enumerate(concepts):
            if concept is None or concept.group != "colour":
                continue
            behind = concepts[max(0, at - _REACH_BACK) : at][::-1]
            garment = _nearest_garment(concepts[at + 1 : at + 1 + _REACH_AHEAD]) or _nearest_garment(behind)
            if garment is not None:
                described[at] += self._stride * self._garments[garment]
        return described

    def _concept(self, token_id: int) -> Concept | None:
        number = int(self._concept_of[token_id])
        return self.lexicon.concepts[number - 1] if number else None

    def _fit(self, ids: list[int]) -> list[int]:
        excess = len(ids) - self.config.text_len
        if excess <= 0:
            return ids
        marker = ids.index(_MARKER) if _MARKER in ids else 0
        cut = max(0, marker - excess)
        return (ids[:cut] + ids[marker:])[: self.config.text_len]


def _nearest_garment(concepts: Sequence[Concept | None]) -> Concept | None:
    """The first garment; another colour or a character in between belongs to something else."""
    for concept in concepts:
        if concept is not None and concept.group in ("garment", "colour", "kind"):
            return concept if concept.group == "garment" else None
    return None
