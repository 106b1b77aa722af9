# SPDX-License-Identifier: Apache-2.0
"""What a journal keeps of a story: the entries of its records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shotstream_runtime.streaming.beats import Beat


class StoryState(StrEnum):
    """How a story stands.

    ``open`` ones go on when a server finds them in its journal, ``suspended`` ones when they are asked for.
    """

    OPEN = "open"
    SUSPENDED = "suspended"
    DRAINED = "drained"
    STOPPED = "stopped"
    FAILED = "failed"


class Wish(StrEnum):
    """What a client asked of a story beyond beats."""

    CANCEL = "cancel"
    DRAIN = "drain"
    STOP = "stop"


class Decided(StrEnum):
    """What was decided: a beat took effect, the next chunk is its, it ended, or ended without any effect."""

    BEGUN = "begun"
    GOES_ON = "goes_on"
    ENDED = "ended"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a story was opened, and by which model it is generated.

    Attributes:
        story_id: The client's name for it.
        owner: The client that opened it.
        title: For people.
        global_caption: Who, where and in which style.
        seed: Of its noise.
        width: Pixels.
        height: Pixels.
        fps: Frames per second of its own time.
        model: The model's name.
        weights_hash: Tells two sets of weights under one name apart.
        engine: What executes the student, its device and arithmetic: frames are bit-identical on the same.
        created: Seconds since 1970, UTC.
        user: Public key (Z85) of the client that opened it, where the server demands keys.
    """

    story_id: str
    owner: str
    title: str | None
    global_caption: str
    seed: int
    width: int
    height: int
    fps: float
    model: str
    weights_hash: str
    engine: str
    created: float
    user: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedBeat:
    """A beat that a client was told is accepted."""

    beat: Beat
    client: str
    accepted: float


@dataclass(frozen=True, slots=True)
class WishEntry:
    """A wish that a client was told is granted; `beat_id` with `Wish.CANCEL` only."""

    wish: Wish
    beat_id: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a beat, and when.

    Attributes:
        kind: What was decided.
        beat_id: The beat.
        chunk: How many chunks the story had when it was decided.
        shot: The beat's shot, if it ever began.
        first_frame: Of a beat that begins: the story's frame it begins with.
        outcome: Of a beat that is over: ``completed``, ``interrupted``, ``superseded``, ``cancelled``,
            ``failed``.
        frames: Of a beat that is over: how many it governed.
    """

    kind: Decided
    beat_id: str
    chunk: int
    shot: int | None = None
    first_frame: int | None = None
    outcome: str | None = None
    frames: int | None = None


def promised_chunks(decisions: Iterable[Decision]) -> int:
    """How many chunks a story has, decided in this order: each that goes on, but for those given up."""
    chunks = 0
    for decision in decisions:
        if decision.kind is Decided.GOES_ON:
            chunks = max(chunks, decision.chunk + 1)
        elif decision.kind is Decided.ENDED and decision.outcome == "failed":
            chunks = min(chunks, decision.chunk)
    return chunks


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """A chunk whose frames are on disk.

    Attributes:
        number: In the story, from 0.
        shot: Its shot.
        chunk: Number in the shot, from 0.
        beat_id: The beat that governs it.
        first_frame: Index in the story of its first frame.
        first_in_shot: Index in the shot of its first frame.
        checksums: CRC-32 of each frame's bytes.
    """

    number: int
    shot: int
    chunk: int
    beat_id: str
    first_frame: int
    first_in_shot: int
    checksums: tuple[int, ...]

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return len(self.checksums)


@dataclass(frozen=True, slots=True)
class ShotEntry:
    """A shot that is history: its condition frames are on disk."""

    shot: int
    frames: int
