# SPDX-License-Identifier: Apache-2.0
"""Captions to features: the interface of every text encoder, and the published umT5 encoder behind it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import ftfy
import torch
from torch import Tensor
from transformers import UMT5EncoderModel

Tokenizer = Callable[..., Mapping[str, Any]]
"""A Hugging Face tokenizer, called with a list of texts."""

_WHITESPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CaptionNotice:
    """Something the author of a caption should know: what of it the model cannot follow.

    Attributes:
        code: Kind of notice, stable across versions, for programs (`too-long`, `outside-world`, ...).
        text: The notice in words, for people.
        words: The words of the caption it is about, in order; empty where no single word is meant.
    """

    code: str
    text: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CaptionFeatures:
    """What the student reads of a prompt.

    Attributes:
        embeds: Features [text_len, text_dim], float32; rows beyond the prompt's tokens are zero.
        notices: What of the prompt the encoder could not follow.
    """

    embeds: Tensor
    notices: tuple[CaptionNotice, ...] = ()


@runtime_checkable
class TextEncoder(Protocol):
    """Turns prompts into features."""

    def encode(self, prompt: str) -> CaptionFeatures:
        """Features of one prompt."""
        ...


def clean_prompt(text: str) -> str:
    """A prompt as the published encoder was fed in training.

    Broken encodings are repaired (ftfy), HTML entities replaced (twice: captions from the web are often
    escaped twice), runs of whitespace become one space, and the ends are stripped.
    """
    repaired = html.unescape(html.unescape(ftfy.fix_text(text)))
    return _WHITESPACE.sub(" ", repaired).strip()


class Umt5TextEncoder:
    """The text side of the published student: umT5's encoder over at most `text_len` tokens.

    Args:
        model: The encoder with its weights; it is put into evaluation mode.
        tokenizer: Its tokenizer. It appends the end-of-sentence token.
        text_len: Text positions per caption; 512 in the published student.
    """

    def __init__(self, model: UMT5EncoderModel, tokenizer: Tokenizer, *, text_len: int = 512) -> None:
        if text_len < 1:
            raise ValueError(f"text_len must be at least 1, got {text_len}")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.text_len = text_len

    @property
    def text_dim(self) -> int:
        """Width of the features."""
        width: int = self.model.config.d_model
        return width

    @torch.no_grad()
    def encode(self, prompt: str) -> CaptionFeatures:
        """Features of one prompt, float32, where the encoder is.

        A prompt of more than `text_len` tokens loses its end and gets a `too-long` notice.
        """
        text = clean_prompt(prompt)
        # Not truncated by the tokenizer: the notice needs the true length, and the end token must survive.
        ids = list(self.tokenizer([text])["input_ids"][0])
        length = len(ids)
        notices: tuple[CaptionNotice, ...] = ()
        if length > self.text_len:
            ids = [*ids[: self.text_len - 1], ids[-1]]
            notices = (
                CaptionNotice(
                    code="too-long",
                    text=f"the prompt has {length} tokens of at most {self.text_len}; its end is not read",
                ),
            )
        device = next(self.model.parameters()).device
        padded = torch.zeros(1, self.text_len, dtype=torch.long, device=device)
        padded[0, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        mask = torch.zeros_like(padded)
        mask[0, : len(ids)] = 1
        return CaptionFeatures(embeds=self.encode_tokens(padded, mask)[0], notices=notices)

    @torch.no_grad()
    def encode_tokens(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Features of padded token ids.

        Args:
            ids: Token ids [b, n].
            mask: [b, n], 1 for tokens and 0 for padding; padded positions are attended to by nobody.

        Returns:
            [b, n, text_dim] float32, zero at padded positions.
        """
        hidden: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        # Selected, not multiplied: a padded position may hold an infinity in 16-bit arithmetic.
        return torch.where(mask[..., None].bool(), hidden.float(), 0.0)
