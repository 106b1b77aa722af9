# SPDX-License-Identifier: Apache-2.0
"""The caption grammar: what a person would write for a story, with paraphrases, pronouns and omissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from shotstream_runtime.codecs.mini_lexicon import Lexicon, load_lexicon

from .spec import CharacterSpec

_SIZE_WORDS = ("", "", "", "small ", "little ", "young ", "cheerful ", "brave ", "curious ")
_ADVERBS = ("", "", "", "", "", " happily", " quietly", " cheerfully", " playfully", " calmly")
_PLACES = {
    "forest": "in the {}",
    "beach": "at the {}",
    "city": "in the {}",
    "desert": "in the {}",
    "mountain": "in the {}",
    "meadow": "in the {}",
    "kitchen": "in the {}",
    "harbour": "at the {}",
}
_PLACE_PHRASES = {
    "beach": ("on the beach", "on the sand", "by the shore"),
    "city": ("on a city street", "on the street", "downtown"),
    "mountain": ("on a snowy mountain", "in the snow", "in the snowy mountains"),
    "harbour": ("on the pier", "by the harbour", "at the docks"),
    "kitchen": ("in a warm kitchen", "indoors in the kitchen", "in the kitchen"),
    "desert": ("among the dunes", "across the desert", "in a desert"),
    "forest": ("in the woods", "deep in the forest", "in a quiet forest"),
    "meadow": ("in a green meadow", "in a field", "in a bright meadow"),
}
_TIME_PHRASES = {
    "day": ("by day", "during the day", "on a sunny day", "in the afternoon", "in the morning", "at noon"),
    "sunset": ("at sunset", "at sunset", "at dusk", "in the evening", "at sundown", "at twilight"),
    "night": ("at night", "at night", "by moonlight", "at midnight", "on a starry night", "under the stars"),
}
_FRAMING_PHRASES = {
    "wide": ("wide shot", "wide shot", "long shot", "full shot", "wide view"),
    "medium": ("medium shot", "medium shot", "mid shot"),
    "close": ("close-up", "close-up", "close shot", "tight shot", "closeup", "portrait shot"),
}
_CAMERA_PHRASES = {
    "static": ("static camera", "fixed camera", "the camera is still", "locked camera"),
    "pan": (
        "the camera pans",
        "the camera pans slowly",
        "slow pan",
        "panning shot",
        "the camera sweeps to the side",
        "tracking shot",
    ),
    "push": (
        "the camera pushes in",
        "slow push-in",
        "the camera moves closer",
        "slow zoom in",
        "the camera zooms in",
        "pushing in",
    ),
}


@dataclass(frozen=True)
class Mention:
    """How a shot's subject is written: the noun phrase and whether verbs take the plural."""

    text: str
    plural: bool


class Grammar:
    """Writes captions for one story; every choice comes from the generator it is given."""

    def __init__(self, rng: np.random.Generator, lexicon: Lexicon | None = None) -> None:
        self._rng = rng
        self._lexicon = lexicon or load_lexicon()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self._rng.uniform() < probability)

    def pick(self, options: Sequence[str]) -> str:
        """One of the options."""
        return options[int(self._rng.integers(len(options)))]

    def noun(self, group: str, name: str) -> str:
        """A word for a concept, most often its canonical one."""
        nouns = [forms[0] for forms in self._lexicon.concept(group, name).synonyms]
        plain = [
            n for n in nouns if not n.endswith(("coated", "jacketed", "scarfed", "hatted", "capped", "s"))
        ] or nouns
        return name if self.chance(0.6) else self.pick(plain)

    def verb(self, action: str, form: int) -> str:
        """A verb for an action; form 0: third person, 1: -ing, 2: base."""
        forms = self._lexicon.concept("action", action).synonyms
        return forms[0][form] if self.chance(0.5) else forms[int(self._rng.integers(len(forms)))][form]

    def person(self, who: CharacterSpec) -> str:
        """A full description with both outfit parts: 'a small fox in a red coat and a yellow scarf'."""
        kind, size = self.noun("kind", who.kind), self.pick(_SIZE_WORDS)
        coat_colour, coat = self.noun("colour", who.coat), self.noun("garment", "coat")
        extra_colour, extra = self.noun("colour", who.accessory_colour), self.noun("garment", who.accessory)
        form = int(self._rng.integers(6))
        if form == 0:
            text = f"{size}{kind} in {_a(coat_colour)} {coat} and {_a(extra_colour)} {extra}"
        elif form == 1:
            text = f"{size}{kind} wearing {_a(coat_colour)} {coat} with {_a(extra_colour)} {extra}"
        elif form == 2:
            text = f"{size}{coat_colour}-coated {kind} with {_a(extra_colour)} {extra}"
        elif form == 3:
            text = f"{size}{kind} with {_a(extra_colour)} {extra} and {_a(coat_colour)} {coat}"
        elif form == 4:
            text = f"{size}{kind} dressed in {_a(coat_colour)} {coat} and {_a(extra_colour)} {extra}"
        else:
            text = f"{size}{kind} in {_a(extra_colour)} {extra} and {_a(coat_colour)} {coat}"
        return _a(text)

    def short_name(self, who: CharacterSpec, others: Sequence[CharacterSpec]) -> str:
        """How later shots call one of the cast: 'the fox', or what tells it from another fox."""
        kind = self.noun("kind", who.kind)
        rivals = [o for o in others if o != who and o.kind == who.kind]
        if not rivals:
            return f"the {self.pick(('', '', 'little ', 'young '))}{kind}"
        options = []
        if all(o.coat != who.coat for o in rivals):
            options.append(f"in the {self.noun('colour', who.coat)} {self.noun('garment', 'coat')}")
        if all(o.accessory_colour != who.accessory_colour or o.accessory != who.accessory for o in rivals):
            options.append(
                f"with the {self.noun('colour', who.accessory_colour)} {self.noun('garment', who.accessory)}"
            )
        return f"the {kind} {self.pick(options)}"

    def place(self, setting: str) -> str:
        """'in the woods'."""
        if self.chance(0.4):
            return self.pick(_PLACE_PHRASES[setting])
        word = self._place_noun(setting)
        if word == "mountain":
            word = "mountains"
        return word if word in ("indoors", "downtown") else _PLACES[setting].format(word)

    def _place_noun(self, setting: str) -> str:
        odd = {
            "snowy",
            "cactus",
            "cacti",
            "dunes",
            "sand",
            "kitchenette",
            "alps",
            "pier",
            "docks",
            "quay",
            "dock",
            "indoors",
        }
        nouns = [f[0] for f in self._lexicon.concept("setting", setting).synonyms if f[0] not in odd]
        return setting if self.chance(0.6) else self.pick(nouns)

    def time(self, time: str, *, must: bool = False) -> str:
        """' at night'; daylight is mostly left unsaid unless it `must` be told."""
        if time == "day" and not must and self.chance(0.6):
            return ""
        return " " + self.pick(_TIME_PHRASES[time])

    def framing(self, framing: str) -> str:
        """'close-up'; a medium shot is sometimes left unsaid."""
        if framing == "medium" and self.chance(0.2):
            return ""
        return self.pick(_FRAMING_PHRASES[framing])

    def camera(self, camera: str) -> str:
        """'the camera pans slowly'; a camera at rest is mostly left unsaid."""
        if camera == "static" and self.chance(0.8):
            return ""
        return self.pick(_CAMERA_PHRASES[camera])

    def shot(
        self, mentions: Sequence[Mention], actions: Sequence[str], framing: str, camera: str, place: str
    ) -> str:
        """One shot's caption from who does what, how it is framed and where (may be empty)."""
        frame, move = self.framing(framing), self.camera(camera)
        adverb = self.pick(_ADVERBS)
        where = f" {place}" if place else ""
        form = int(self._rng.integers(4))
        watcher = (
            f" while {mentions[1].text} {self._finite(mentions[1], actions[1])}" if len(mentions) > 1 else ""
        )
        who, action = mentions[0], actions[0]
        if not frame:
            body = f"{who.text} {self._finite(who, action)}{adverb}{where}{watcher}"
        elif form == 0:
            body = f"{frame} of {_object_form(who.text)} {self.verb(action, 1)}{adverb}{where}{watcher}"
        elif form == 1:
            body = f"{frame}: {who.text} {self._finite(who, action)}{adverb}{where}{watcher}"
        elif form == 2:
            body = f"{who.text} {self._finite(who, action)}{adverb}{where}{watcher}, {frame}"
        else:
            body = f"{frame}, {who.text} {self._finite(who, action)}{adverb}{where}{watcher}"
        if move:
            body = f"{body}, {move}" if self.chance(0.7) else f"{body}. {_capital(move)}"
        return _capital(body) + ("." if self.chance(0.85) else "")

    def turn(self, mentions: Sequence[Mention], actions: Sequence[str]) -> str:
        """The caption of a continue beat: 'Now the fox jumps.'"""
        who, action = mentions[0], actions[0]
        form = int(self._rng.integers(5))
        starts = "start" if who.plural else "starts"
        finite = self._finite(who, action)
        watcher = (
            f" while {mentions[1].text} {self._finite(mentions[1], actions[1])}" if len(mentions) > 1 else ""
        )
        body = (
            f"{who.text} {starts} to {self.verb(action, 2)}",
            f"then {who.text} {finite}",
            f"now {who.text} {finite}",
            f"{who.text} {finite}",
            f"suddenly {who.text} {starts} {self.verb(action, 1)}",
        )[form]
        return _capital(body + watcher) + "."

    def _finite(self, who: Mention, action: str) -> str:
        return self.verb(action, 2 if who.plural else 0)

    def overview(self, people: Sequence[str], place: str, *, identity: bool) -> str:
        """The global caption.

        Args:
            people: full descriptions of the cast. place: 'in the woods at night' or empty.
            identity: False leaves the cast to the first shot.
        """
        where = f" {place}" if place else ""
        if not identity:
            return self.pick(
                (
                    f"A short animated story{where}.",
                    f"A small adventure{where}.",
                    f"A quiet tale{where}. Flat colour animation.",
                    f"A cartoon{where}.",
                    f"One day{where}." if place else "A short story.",
                )
            )
        cast = " and ".join(people)
        many = len(people) > 1
        options = [
            f"{cast}{where}.",
            f"A story about {cast}{where}.",
            f"The main {'characters are' if many else 'character is'} {cast}."
            + (f" It takes place{where}." if place else ""),
            f"{cast} {'go' if many else 'goes'} on a small adventure{where}.",
            f"{'Two friends' if many else 'Our main character'}: {cast}{where}.",
            f"{_capital(place) + ', ' if place else ''}{cast} {'meet' if many else 'sets out'}.",
        ]
        style = self.pick(("", "", "", "Flat colour animation. ", "A simple cartoon. "))
        return style + _capital(self.pick(options))


def _a(phrase: str) -> str:
    return f"{'an' if phrase[:1] in 'aeiou' else 'a'} {phrase}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _object_form(mention: str) -> str:
    return {"he": "him", "she": "her", "they": "them"}.get(mention, mention)
