# SPDX-License-Identifier: Apache-2.0
"""What a prompt asks of mini that it cannot though it knows every word: company, camera moves, absence.

Words alone do not tell: "leaves tracks" moves no camera, and "the fox and its hat" is one character. What is
looked for is therefore narrow; a wish that is put in an unusual way gets no notice rather than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .mini_lexicon import Concept
from .mini_words import SHOT_MARKER, WordReader, split_prompt
from .text import CaptionNotice

_CLAUSE_END = re.compile(r"[.,;:!?()\n\"]+|\s-+\s")
_ARTICLES = frozenset({"a", "an", "the"})
_ABSENCE = frozenset({"no", "without"})
_NEGATION = re.compile(
    r"\b(?:no|not|never|without|nor|(?:is|are|does|do|has|have|was|will|can)n't|cannot|can't|won't)\b"
)
_NEGATED_REACH = 4
"""Words after a negation that it may speak of: `does not wear a red hat`."""
_DRAWABLE = frozenset({"kind", "colour", "garment", "setting", "time", "action"})
_LIKENESS = frozenset({"like", "than"})
_MORE = frozenset({"another", "other", "second"})
_COMPANY = frozenset({"friends", "companions", "buddies"})
# "A kids' cartoon" shows no kids.
_PLURAL_OWNER = re.compile(r"\b\w+s'(?=\s|$)")
# "The girl's cat" are two, "the girl cat" is one.
_OWNER = re.compile(r"(\w)'s\b")

_MOVES = (
    r"(?:pan(?:s|ning)?|push(?:es|ing)?|zoom(?:s|ing)?|track(?:s|ing)?|tilt(?:s|ing)?|sweep(?:s|ing)?"
    r"|orbit(?:s|ing)?|circl(?:es?|ing)|follow(?:s|ing)?|mov(?:es?|ing)|turn(?:s|ing)?|rotat(?:es?|ing)"
    r"|swing(?:s|ing)?|ris(?:es?|ing)|glid(?:es?|ing)|drift(?:s|ing)?|fl(?:y|ies|ying)|doll(?:y|ies|ying)"
    r"|pull(?:s|ing)?|approach(?:es|ing)?|travel(?:s|ling|ing)?)"
)
# "Walks towards the camera" speaks of a camera that does nothing.
_LOOKED_AT = "".join(
    rf"(?<!{place} the )(?<!{place} )"
    for place in (
        "to",
        "at",
        "into",
        "towards",
        "toward",
        "from",
        "past",
        "for",
        "of",
        "near",
        "by",
        "with",
        "a",
    )
)
_CAMERA_ACTS = re.compile(
    _LOOKED_AT + r"\bcamera(?: (?:\w+ly|then|now|also|starts|begins|to|is))* " + _MOVES + r"\b"
)
_CAMERA_PHRASES = (
    _CAMERA_ACTS,
    re.compile(r"\b(?:moving|handheld|panning|travelling|orbiting) camera\b"),
    re.compile(r"\bcamera (?:pan|move|movement|motion|push|zoom|tilt|track|sweep)s?\b"),
    re.compile(
        r"\b(?:tracking|panning|pushing|zooming|crane|dolly|orbit|orbiting|travelling|moving)[ -]shot\b"
    ),
    re.compile(r"\b(?:slow|quick|fast|smooth|gentle|whip)[ -](?:pan|zoom|tilt|dolly|push[ -]in)\b"),
    re.compile(r"\bzoom(?:s|ing)?[ -](?:in|out|on|onto|to|closer)\b"),
    re.compile(r"\b(?:push|dolly)-(?:in|out)\b"),
    re.compile(r"^\s*(?:slow(?:ly)? |gently )?(?:pan|panning|push in|pushing in|dolly(?: in| out)?)\s*$"),
    re.compile(
        r"(?<!a )(?<!the )\bpan(?:s|ning)? (?:slowly )?(?:to|across|over|along|left|right|up|down|around)\b"
    ),
)


def limit_notices(prompt: str, reader: WordReader) -> tuple[CaptionNotice, ...]:
    """Notices of a prompt that names several characters, asks for a moving camera, or denies something.

    Args:
        prompt: Global caption and shot's caption, as the student gets them.
        reader: How mini reads words.
    """
    notices = []
    several = _several_characters(prompt, reader)
    if several:
        listed = ", ".join(f"'{word}'" for word in several)
        text = f"mini draws one character, and this asks for more ({listed}); it shows one, or a mixture"
        notices.append(CaptionNotice(code="several_characters", text=text, words=several))
    move = _camera_move(prompt)
    if move is not None:
        text = f"mini's camera does not move; '{move}' is not followed"
        notices.append(CaptionNotice(code="moving_camera", text=text, words=(move,)))
    for phrase in _absences(prompt, reader):
        text = f"mini does not understand what is not there; it may draw what '{phrase}' names"
        notices.append(CaptionNotice(code="negation", text=text, words=(phrase,)))
    return tuple(notices)


def _absences(prompt: str, reader: WordReader) -> Iterator[str]:
    """The phrases that deny something mini draws, from the negation to the first such word."""
    seen = set()
    for clause in _clauses(prompt):
        for found in _NEGATION.finditer(clause):
            following = clause[found.end() :].split()[:_NEGATED_REACH]
            for at, word in enumerate(following):
                concept = next((reader.read(part).concept for part in split_prompt(word)), None)
                if concept is not None and concept.group in _DRAWABLE:
                    phrase = " ".join([found.group(), *following[: at + 1]])
                    if phrase not in seen:
                        seen.add(phrase)
                        yield phrase
                    break


def _several_characters(prompt: str, reader: WordReader) -> tuple[str, ...]:
    """The words by which a prompt names several characters; empty if it does not.

    A kind counts once however often it is named. Words outside the lexicon, which are drawn as their nearest
    kind, do not count: they have a notice of their own.
    """
    kinds: dict[Concept, str] = {}
    company: dict[str, None] = {}
    for clause in _clauses(prompt):
        words = split_prompt(_OWNER.sub(r"\1 s", _PLURAL_OWNER.sub("", clause)))
        readings = [reader.read(word) for word in words]
        concepts = [reading.concept if reading.fate == "known" else None for reading in readings]
        for at, (word, concept) in enumerate(zip(words, concepts, strict=True)):
            if word in _COMPANY:
                company[word] = None
            if concept is None or concept.group != "kind" or not _stands_for_itself(words, concepts, at):
                continue
            kinds.setdefault(concept, word)
            if _is_plural(word, concept) or (at and words[at - 1] in _MORE):
                company[word] = None
    if len(kinds) > 1:
        return tuple(kinds.values())
    return tuple(dict.fromkeys([*kinds.values(), *company])) if company else ()


def _stands_for_itself(words: Sequence[str], concepts: Sequence[Concept | None], at: int) -> bool:
    """Not so: the cat of "a cat robot", the bear of "a bear hat", "like a rabbit", "without the fox"."""
    following = concepts[at + 1] if at + 1 < len(concepts) else None
    if following is not None and following.group in ("kind", "garment"):
        return False
    before = at - 1
    while before >= 0 and words[before] in _ARTICLES:
        before -= 1
    if before < 0:
        return True
    with_article = before < at - 1
    as_one = words[before] == "as" and with_article and words[at - 1] != "the"
    return not (words[before] in _ABSENCE | _LIKENESS or as_one)


def _is_plural(word: str, concept: Concept) -> bool:
    return word not in concept.words and word.endswith("s")


def _camera_move(prompt: str) -> str | None:
    """The words that ask for a moving camera, in the first place they do."""
    for clause in _clauses(prompt):
        for phrase in _CAMERA_PHRASES:
            if (found := phrase.search(clause)) is not None:
                return found.group().strip()
    return None


def _clauses(prompt: str) -> Iterator[str]:
    """The prompt in lower case between its punctuation marks, with single spaces."""
    plain = prompt.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for clause in _CLAUSE_END.split(SHOT_MARKER.sub(".", plain)):
        if words := clause.split():
            yield " ".join(words)
