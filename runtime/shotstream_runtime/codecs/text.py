# SPDX-License-Identifier: Apache-2.0
"""Captions to features: the interface of every text encoder, and the published umT5 encoder behind it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import ftfy
import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import UMT5EncoderModel

Tokenize = Callable[[str], Sequence[int]]
"""Token ids of a cleaned prompt, the end-of-sentence token included."""

_WHITESPACE = re.compile(r"\s+")
_NOTICE_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class CaptionNotice:
    """Something the author of a caption should know: what of it the model cannot follow.

    Attributes:
        code: Kind of notice, stable across versions, for programs: `too_long`, `outside_world`, ...; up to 64
            lower-case letters, digits and underscores, as the protocol has it.
        text: The notice in words, for people.
        words: The words of the caption it is about, in order; empty where no single word is meant.

    Raises:
        ValueError: The code is not of that form.
    """

    code: str
    text: str
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NOTICE_CODE.fullmatch(self.code):
            raise ValueError(f"code {self.code!r} must match {_NOTICE_CODE.pattern}, as 'too_long' does")


@dataclass(frozen=True, slots=True, eq=False)
class CaptionFeatures:
    """What the student reads of a prompt.

    Attributes:
        embeds: Features [text_len, text_dim], float32; rows beyond the prompt's tokens are zero.
        notices: What of the prompt the encoder could not follow.
    """

    embeds: Tensor
    notices: tuple[CaptionNotice, ...] = ()


class TextEncoder(Protocol):
    """Turns prompts into features."""

    def encode(self, prompt: str) -> CaptionFeatures:
        """Features of one prompt. `CachedTextEncoder` makes it safe to call from any thread."""
        ...


def clean_prompt(text: str) -> str:
    """A prompt as the published encoder was fed in training.

    Broken encodings are repaired (ftfy), HTML entities replaced (twice: captions from the web are often
    escaped twice), runs of whitespace become one space, and the ends are stripped.
    """
    repaired = html.unescape(html.unescape(ftfy.fix_text(text)))
    return _WHITESPACE.sub(" ", repaired).strip()


def load_tokenizer(path: Path) -> Tokenize:
    """Reads a published `tokenizer.json`, which ends every text with the end-of-sentence token.

    Raises:
        ValueError: The file is not a tokenizer.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415 - only published weights need it

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exceptions
        raise ValueError(f"{path} is not a tokenizer: {error}") from error
    # Lengths are the encoder's business; a tokenizer file may carry settings for both.
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def tokenize(text: str) -> Sequence[int]:
        ids: list[int] = tokenizer.encode(text).ids
        return ids

    return tokenize


class Umt5TextEncoder:
    """The text side of the published student: umT5's encoder over at most `text_len` tokens.

    Args:
        model: The encoder with its weights; it is put into evaluation mode.
        tokenize: Its tokenizer, see `load_tokenizer`.
        text_len: Text positions per caption; 512 in the published student.
    """

    def __init__(self, model: UMT5EncoderModel, tokenize: Tokenize, *, text_len: int = 512) -> None:
        if text_len < 1:
            raise ValueError(f"text_len must be at least 1, got {text_len}")
        self.model = model.eval()
        self._tokenize = tokenize
        self.text_len = text_len

    @property
    def text_dim(self) -> int:
        """Width of the features."""
        width: int = self.model.config.d_model
        return width

    @torch.no_grad()
    def encode(self, prompt: str) -> CaptionFeatures:
        """Features of one prompt, float32, where the encoder is.

        A prompt of more than `text_len` tokens loses its end and gets a `too_long` notice.
        """
        # Not truncated by the tokenizer: the notice needs the true length, and the end token must survive.
        ids = list(self._tokenize(clean_prompt(prompt)))
        length = len(ids)
        notices: tuple[CaptionNotice, ...] = ()
        if length > self.text_len:
            ids = [*ids[: self.text_len - 1], ids[-1]]
            notices = (
                CaptionNotice(
                    code="too_long",
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
        return torch.where(mask[..., None].bool().to(hidden.device), hidden.float(), 0.0)
