# SPDX-License-Identifier: Apache-2.0
"""The concepts mini can draw and the words for them: what the caption grammar and the notices read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

BUILT_IN = Path(__file__).with_name("mini_lexicon.json")


@dataclass(frozen=True)
class Concept:
    """One thing mini can draw.

    Attributes:
        group: kind, colour, garment, setting, time, framing, action or camera.
        name: the canonical word.
        synonyms: word forms that mean it and occur in training. A noun has one form; an action has three:
            third person, -ing form, base.
        related: words outside mini's world that are drawn as this concept, with a notice.
        far: the same, but the concept is not near: there is nothing better, and the notice says so.
    """

    group: str
    name: str
    synonyms: tuple[tuple[str, ...], ...]
    related: tuple[str, ...]
    far: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Every word form that means this concept."""
        return tuple(word for forms in self.synonyms for word in forms)


@dataclass(frozen=True)
class Lexicon:
    """What mini knows of words.

    Attributes:
        concepts: all concepts.
        generic: words which carry no picture content.
        unheard: words whose nearest concept by word vectors is a wrong one (`rain`, `mountain`): ignored.
    """

    concepts: tuple[Concept, ...]
    generic: frozenset[str]
    unheard: frozenset[str] = frozenset()

    @cached_property
    def by_word(self) -> Mapping[str, Concept]:
        """The concept of every word mini knows."""
        return {word: concept for concept in self.concepts for word in concept.words}

    @cached_property
    def by_related_word(self) -> Mapping[str, Concept]:
        """The nearest concept of words listed as outside mini's world."""
        return {word: concept for concept in self.concepts for word in concept.related}

    @cached_property
    def by_far_word(self) -> Mapping[str, Concept]:
        """What is drawn for words that have nothing near them."""
        return {word: concept for concept in self.concepts for word in concept.far}

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word that may reach the student, sorted: concept words and generic ones."""
        return tuple(sorted({*self.by_word, *self.generic}))

    def as_data(self) -> dict[str, Any]:
        """The JSON form, which `parse_lexicon` reads back."""
        concepts: dict[str, dict[str, Any]] = {}
        for concept in self.concepts:
            words = [forms[0] if len(forms) == 1 else list(forms) for forms in concept.synonyms]
            entry: dict[str, Any] = {"words": words, "related": list(concept.related)}
            if concept.far:
                entry["far"] = list(concept.far)
            concepts.setdefault(concept.group, {})[concept.name] = entry
        return {
            "version": 1,
            "concepts": concepts,
            "generic": sorted(self.generic),
            "unheard": sorted(self.unheard),
        }

    def group(self, group: str) -> tuple[Concept, ...]:
        """The concepts of one group, in file order."""
        return tuple(concept for concept in self.concepts if concept.group == group)

    def concept(self, group: str, name: str) -> Concept:
        """One concept.

        Raises:
            KeyError: there is none of this name in the group.
        """
        for concept in self.concepts:
            if concept.group == group and concept.name == name:
                return concept
        names = ", ".join(c.name for c in self.group(group)) or "no such group"
        raise KeyError(f"the lexicon has no {group} '{name}' ({names})")


def parse_lexicon(data: Mapping[str, Any], *, source: str) -> Lexicon:
    """Reads the JSON form.

    Raises:
        ValueError: a field is missing or of the wrong form, or one word stands for two concepts.
    """
    concepts: list[Concept] = []
    seen: dict[str, str] = {}
    try:
        for group, entries in data["concepts"].items():
            for name, entry in entries.items():
                synonyms = tuple(
                    (w,) if isinstance(w, str) else tuple(str(x) for x in w) for w in entry["words"]
                )
                related, far = (tuple(map(str, entry.get(key, ()))) for key in ("related", "far"))
                concept = Concept(str(group), str(name), synonyms, related, far)
                for word in (*concept.words, *related, *far):
                    if word in seen:
                        raise ValueError(
                            f"{source}: '{word}' stands for {seen[word]} and for {group} '{name}'; keep one"
                        )
                    seen[word] = f"{group} '{name}'"
                concepts.append(concept)
        generic = frozenset(str(w) for w in data["generic"]) - seen.keys()
        unheard = frozenset(str(w) for w in data.get("unheard", ()))
        if heard := sorted(unheard & (seen.keys() | generic)):
            raise ValueError(f"{source}: '{heard[0]}' is unheard and has a meaning; keep one")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{source}: not a lexicon ({error!r}); see mini_lexicon.json for the form"
        ) from error
    return Lexicon(tuple(concepts), generic, unheard)


@lru_cache(maxsize=4)
def load_lexicon(path: Path = BUILT_IN) -> Lexicon:
    """Loads a lexicon file; the built-in one by default.

    Raises:
        FileNotFoundError: no such file. ValueError: the file is not a lexicon.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error})") from error
    return parse_lexicon(data, source=str(path))
