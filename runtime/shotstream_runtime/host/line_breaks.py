# SPDX-License-Identifier: Apache-2.0
"""Breaking captions into lines: between words, and inside scripts that put no spaces between them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

ELLIPSIS = "…"
_WIDE = frozenset({"W", "F"})  # East Asian characters, between which a line may end
_OPENING = frozenset({"Ps", "Pi"})


def break_lines(text: str, width_of: Callable[[str], float], width: float, most_lines: int) -> list[str]:
    """Breaks a text into lines.

    Args:
        text: Any text; runs of white space count as one space.
        width_of: Width of a text on one line.
        width: Room of a line, in the same unit.
        most_lines: Lines at most; a text that needs more ends in an ellipsis.
    """
    lines: list[str] = []
    line = ""
    parts = [part for word in text.split() for part in _parts(word)]
    for position, part in enumerate(parts):
        longer = line + part
        if width_of(longer.rstrip()) <= width:
            line = longer
            continue
        if len(lines) + 1 == most_lines:
            return [*lines, _cut("".join([line, *parts[position:]]), width_of, width)]
        if line:
            lines.append(line.rstrip())
        line = part if width_of(part.rstrip()) <= width else _cut(part, width_of, width)
    return [*lines, line.rstrip()] if line else lines


def _parts(word: str) -> list[str]:
    """What stays together of a word, which is followed by a space in its last part."""
    parts: list[str] = []
    for character in word:
        # Marks and closing punctuation hang on to what is before them.
        hangs = parts and (
            unicodedata.category(character)[0] == "M"
            or (_is_mark(character) and unicodedata.category(character) not in _OPENING)
            or unicodedata.category(parts[-1][-1]) in _OPENING
        )
        wide = unicodedata.east_asian_width(character) in _WIDE
        after_wide = bool(parts) and unicodedata.east_asian_width(parts[-1][-1]) in _WIDE
        if parts and (hangs or not (wide or after_wide)):
            parts[-1] += character
        else:
            parts.append(character)
    parts[-1] += " "
    return parts


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "P"


def _cut(text: str, width_of: Callable[[str], float], width: float) -> str:
    """The longest beginning that has room with an ellipsis behind it."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(text[:middle].rstrip() + ELLIPSIS) <= width:
            low = middle
        else:
            high = middle - 1
    # A letter keeps its marks, or goes with them.
    while low < len(text) and low and unicodedata.category(text[low])[0] == "M":
        low -= 1
    return text[:low].rstrip() + ELLIPSIS
