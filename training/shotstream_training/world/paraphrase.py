# SPDX-License-Identifier: Apache-2.0
"""Varying captions in training: words replaced by synonyms of the same form."""

from __future__ import annotations

import re

import numpy as np
from shotstream_runtime.codecs.mini_lexicon import Lexicon, load_lexicon

_GROUPS = frozenset({"kind", "colour", "action"})
"""Groups whose synonyms fit into any sentence; places and framings need their own prepositions."""


def swap_synonyms(
    prompt: str, rng: np.random.Generator, probability: float, lexicon: Lexicon | None = None
) -> str:
    """The prompt with kinds, colours and actions replaced by a listed synonym of the same form.

    A word is replaced alike wherever it stands in the prompt, so that who is meant stays clear. Markers,
    capitals at the start of a word and punctuation are kept.

    Args:
        prompt: a caption or a whole prompt. rng: chooses. probability: chance of each distinct word.
        lexicon: the built-in one by default.
    """
    known = lexicon or load_lexicon()
    chosen: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        word = match.group()
        lower = word.lower()
        if lower not in chosen:
            chosen[lower] = _synonym(lower, rng, known) if rng.uniform() < probability else lower
        new = chosen[lower]
        return new.capitalize() if word[0].isupper() else new

    return re.sub(r"\b[A-Za-z]+\b(?!\d*:)", replace, prompt)


def _synonym(word: str, rng: np.random.Generator, lexicon: Lexicon) -> str:
    concept = lexicon.by_word.get(word)
    if concept is None or concept.group not in _GROUPS:
        return word
    form = next(forms.index(word) for forms in concept.synonyms if word in forms)
    # "An" and "a" depend on the first letter: only words that begin alike may stand for each other.
    vowel = word[0] in "aeiou"
    same = [
        forms[form]
        for forms in concept.synonyms
        if len(forms) > form and (forms[form][0] in "aeiou") == vowel
    ]
    return same[int(rng.integers(len(same)))]
