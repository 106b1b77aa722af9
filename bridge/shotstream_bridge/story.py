# SPDX-License-Identifier: Apache-2.0
"""Story and beat scripts: the models that story files and the protocol share, with their limits."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

MAX_BEAT_CHARS: Final = 2_000
MAX_CAPTION_CHARS: Final = 8_000
MAX_TITLE_CHARS: Final = 200
MAX_CHUNKS_PER_BEAT: Final = 200
MAX_BEATS_PER_SCRIPT: Final = 1_000
MAX_SEED: Final = 2**63 - 1

ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Identifiers of clients, stories and beats: 1 to 64 ASCII letters, digits, dots, underscores and hyphens,
starting with a letter or digit. They are safe in logs and in file names."""

_ALLOWED_CONTROLS: Final = frozenset("\n\r\t")


class BeatMode(StrEnum):
    """How a beat enters the story."""

    CUT = "cut"
    """A new shot."""
    CONTINUE = "continue"
    """Changes the text of a shot; without a policy, that of the running shot from its next chunk on."""


class BeatPolicy(StrEnum):
    """What a beat does to those before it."""

    QUEUE = "queue"
    """After everything that waits."""
    REPLACE = "replace"
    """Beats that wait are dropped; the running one finishes."""
    INTERRUPT = "interrupt"
    """Beats that wait are dropped and this one takes over at the next chunk boundary."""


def _check_text(text: str) -> str:
    """Refuses characters that cannot be stored or that would corrupt a terminal or a log."""
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs" or (category == "Cc" and character not in _ALLOWED_CONTROLS):
            raise PydanticCustomError(
                "control_character",
                "contains the control character U+{code}; remove it",
                {"code": f"{ord(character):04X}"},
            )
    return text


def _limit(most: int, advice: str) -> AfterValidator:
    def check(text: str) -> str:
        if len(text) > most:
            raise PydanticCustomError(
                "text_too_long",
                "has {length} characters, at most {most} are allowed; {advice}",
                {"length": len(text), "most": most, "advice": advice},
            )
        return text

    return AfterValidator(check)


def _strip(text: str) -> str:
    return text.strip()


def _not_empty(text: str) -> str:
    if not text:
        raise PydanticCustomError("text_empty", "is empty; say what should be seen")
    return text


Identifier = Annotated[StrictStr, Field(pattern=ID_PATTERN)]
# The length is checked before the characters, so that a huge text costs nothing.
BeatText = Annotated[
    StrictStr,
    AfterValidator(_strip),
    AfterValidator(_not_empty),
    _limit(MAX_BEAT_CHARS, "split it into several beats"),
    AfterValidator(_check_text),
]
CaptionText = Annotated[
    StrictStr, AfterValidator(_strip), _limit(MAX_CAPTION_CHARS, "shorten it"), AfterValidator(_check_text)
]
TitleText = Annotated[
    StrictStr, AfterValidator(_strip), _limit(MAX_TITLE_CHARS, "shorten it"), AfterValidator(_check_text)
]
Seed = Annotated[StrictInt, Field(ge=0, le=MAX_SEED)]
ChunkCount = Annotated[StrictInt, Field(ge=1, le=MAX_CHUNKS_PER_BEAT)]


class BeatScript(BaseModel):
    """One beat as a client sends it or a story file holds it.

    Attributes:
        id: Names the beat within its story; required on the wire, given by the reader of a file otherwise.
        text: What is seen, 1 to 2,000 characters once stripped.
        mode: ``cut`` or ``continue``.
        policy: ``None``: a ``cut`` is queued; a ``continue`` redirects the running shot from its next chunk
            on and leaves what waits in place. In a story file, ``None`` is ``queue`` for both.
        chunks: Duration in chunks, 1 to 200; ``None`` stands for the model's default for a ``cut``, for what
            is left of the shot for a ``continue``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier | None = None
    text: BeatText
    mode: BeatMode = BeatMode.CUT
    policy: BeatPolicy | None = None
    chunks: ChunkCount | None = None


class StoryScript(BaseModel):
    """A whole story as a file holds it.

    Attributes:
        title: For people; up to 200 characters.
        global_caption: Who, where and in which style; holds for every shot. Up to 8,000 characters, may be
            empty.
        seed: 0 to 2**63 - 1.
        beats: 1 to 1,000 beats, the first of them a ``cut``; identifiers, where given, are unique.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: TitleText | None = None
    global_caption: CaptionText
    seed: Seed = 0
    beats: tuple[BeatScript, ...] = Field(min_length=1, max_length=MAX_BEATS_PER_SCRIPT)

    @model_validator(mode="after")
    def _check_beats(self) -> Self:
        if self.beats[0].mode is not BeatMode.CUT:
            raise PydanticCustomError(
                "first_beat_not_cut",
                "beats.0.mode is continue, but there is no shot yet to continue; use cut",
            )
        seen: set[str] = set()
        for position, beat in enumerate(self.beats):
            if beat.id is None:
                continue
            if beat.id in seen:
                raise PydanticCustomError(
                    "beat_id_repeated",
                    "beats.{position}.id repeats {id}; give every beat its own",
                    {"position": position, "id": beat.id},
                )
            seen.add(beat.id)
        return self
