# SPDX-License-Identifier: Apache-2.0
"""What mini makes of a caption's words: drawn, drawn as the nearest concept, or ignored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from .mini_lexicon import Concept, Lexicon

MARKER = "shot{}:"
"""The token a `shot{i}:` marker becomes, whatever i is."""

_TOKEN = re.compile(r"shot\d+:|[a-z]+(?:'[a-z]+)?|[^\W\d_]+")
_NEAREST_COSINE = 0.55
_COMPARABLE = frozenset({"kind", "garment", "setting", "time", "action"})
"""Groups an unlisted word may be drawn as. Framings and camera moves are no word's neighbour; colours that
are alike in texts need not look alike (white and pink), so colours are listed."""

SHOT_MARKER = re.compile(r"shot(\d+):", re.IGNORECASE)
"""Where a shot's caption begins in a prompt, and its number."""

_PRONOUNS = frozenset({"it", "he", "she", "they", "him", "her", "them", "both"})
_Fate = Literal["known", "nearest", "far", "ignored"]
_SUFFIXES = (
    ("ies", "y"),
    ("es", ""),
    ("s", ""),
    ("ing", ""),
    ("ing", "e"),
    ("ed", ""),
    ("ed", "e"),
    ("er", ""),
    ("ly", ""),
)


_PLACE = ("setting", "time")
"""What the global caption says for every shot that does not say it itself."""


@dataclass(frozen=True)
class Reading:
    """How one word is read: as which word of the lexicon, if any, and whether that is what was written."""

    fate: _Fate
    word: str | None
    concept: Concept | None


_IGNORED = Reading("ignored", None, None)


def names_earlier_subject(prompt: str) -> bool:
    """True if a shot after the first speaks of somebody by a pronoun: who it is, earlier shots show."""
    marker = SHOT_MARKER.search(prompt)
    if marker is None or int(marker.group(1)) == 0:
        return False
    return not _PRONOUNS.isdisjoint(split_prompt(prompt[marker.end() :]))


def split_prompt(prompt: str) -> list[str]:
    """Lower-case words and shot markers of a prompt, in order; possessive endings and digits are dropped."""
    tokens = []
    # The global caption stands directly before the marker, and need not end with a full stop.
    prompt = SHOT_MARKER.sub(r" \g<0>", prompt)
    for match in _TOKEN.finditer(prompt.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        token = match.group()
        if token.endswith(":"):
            tokens.append(MARKER)
        else:
            tokens.append(token.split("'")[0])
    return tokens


class WordReader:
    """Reads single words against the lexicon, and against the word table where it lists none.

    Args:
        lexicon: concepts and generic words.
        words: the table's words. table: their unit vectors [n, dims].
    """

    def __init__(self, lexicon: Lexicon, words: Sequence[str], table: Tensor) -> None:
        self._lexicon = lexicon
        self._rows = {word: row for row, word in enumerate(words)}
        self._table = table
        self._anchors = [
            (concept, table[[self._rows[word] for word in concept.words]])
            for concept in lexicon.concepts
            if concept.group in _COMPARABLE
        ]
        self._readings: dict[str, Reading] = {}

    def read(self, word: str) -> Reading:
        """The reading of a lower-case word; the same word is always read alike."""
        reading = self._readings.get(word)
        if reading is None:
            reading = self._read(word)
            if len(self._readings) < 50_000:
                self._readings[word] = reading
        return reading

    def _read(self, word: str) -> Reading:
        for form in (word, *_stems(word)):
            if (listed := self._listed(form)) is not None:
                return listed
        row = self._rows.get(word)
        if row is not None:
            vector = self._table[row]
            closeness, nearest = max(
                ((_closeness(vector, anchors), concept) for concept, anchors in self._anchors),
                key=lambda x: x[0],
            )
            if closeness >= _NEAREST_COSINE:
                return _drawn_as(nearest)
        return _IGNORED

    def _listed(self, form: str) -> Reading | None:
        """What the lexicon says of a word form, if anything."""
        lexicon = self._lexicon
        if form in lexicon.by_word:
            return Reading("known", form, lexicon.by_word[form])
        if form in lexicon.generic:
            return Reading("known", form, None)
        if (related := lexicon.by_related_word.get(form)) is not None:
            return _drawn_as(related)
        if (far := lexicon.by_far_word.get(form)) is not None:
            return _drawn_as(far, "far")
        return _IGNORED if form in lexicon.unheard else None


def heard_words(prompt: str, reader: WordReader) -> list[str]:
    """The words and markers of a prompt that count for its shot.

    A place or time of day of the global caption does not where the shot's own caption names another one: a
    student that is told of both draws one of them, and not always the shot's.
    """
    tokens = split_prompt(prompt)
    if MARKER not in tokens:
        return tokens
    marker = tokens.index(MARKER)
    own: dict[str, set[Concept]] = {group: set() for group in _PLACE}
    for reading in map(reader.read, tokens[marker + 1 :]):
        if reading.fate == "known" and reading.concept is not None and reading.concept.group in own:
            own[reading.concept.group].add(reading.concept)

    def overruled(word: str) -> bool:
        concept = reader.read(word).concept
        named = own.get(concept.group) if concept is not None else None
        return named is not None and len(named) > 0 and concept not in named

    return [word for word in tokens[:marker] if not overruled(word)] + tokens[marker:]


def _closeness(vector: Tensor, anchors: Tensor) -> float:
    """Mean cosine with the two best words of a concept: one chance neighbour is not enough."""
    return float((anchors @ vector).topk(min(2, len(anchors))).values.mean())


def _drawn_as(concept: Concept, fate: _Fate = "nearest") -> Reading:
    return Reading(fate, concept.words[0], concept)


def _stems(word: str) -> list[str]:
    """Shorter forms the word may be an inflection of; a doubled last consonant is undone."""
    stems = []
    for suffix, replacement in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            stem = word[: -len(suffix)] + replacement
            stems.append(stem)
            if not replacement and len(stem) > 3 and stem[-1] == stem[-2]:
                stems.append(stem[:-1])
    return stems
