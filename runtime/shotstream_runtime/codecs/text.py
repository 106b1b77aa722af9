# SPDX-License-Identifier: Apache-2.0
"""What a text encoder gives the student."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class CaptionNotice:
    """Something a person should know about how a caption is understood.

    Attributes:
        code: Stable identifier, for programs.
        text: One sentence, for people.
        words: The words it is about.
    """

    code: str
    text: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CaptionFeatures:
    """Features of one prompt.

    Attributes:
        embeds: ``[text_len, text_dim]`` float32; zero at padded positions.
        notices: What the encoder has to say about the words.
    """

    embeds: Tensor
    notices: tuple[CaptionNotice, ...] = ()


class TextEncoder(Protocol):
    """Turns prompts into features."""

    def encode(self, prompt: str) -> CaptionFeatures:
        """Features of one prompt; safe to call from any thread."""
        ...
