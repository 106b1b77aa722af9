# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the frames of a take and the frames of a scene, which rarely have the same rate. No Blender.

A picture is shown at every scene frame whose time lies in the picture's own time: scene frame ``k`` of a
strip shows picture ``floor(k * fps / rate)``. Strips begin at the scene frame nearest to their time in the
story, so that nothing drifts apart however long the story is.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Of a model that is not known yet.
FPS, PER_CHUNK, IN_FIRST, CHUNKS = 16.0, 12, 9, 7
_ALMOST = 1e-6


def scene_frames(frames: float, fps: float, rate: float) -> int:
    """Scene frames that are nearest to a time.

    Args:
        frames: The time, in frames of the take.
        fps: Frames a second of the take.
        rate: Frames a second of the scene.
    """
    return math.floor(frames * rate / fps + 0.5)


def shown(length: int, frames: int, fps: float, rate: float) -> list[int]:
    """Which of a shot's pictures is shown at each scene frame.

    Args:
        length: Scene frames.
        frames: Pictures of the shot.
        fps: Frames a second of the take.
        rate: Frames a second of the scene.
    """
    return [min(frames - 1, math.floor(k * fps / rate + _ALMOST)) for k in range(length)]


def same_rate(one: float, other: float) -> bool:
    """Whether two rates are the same for every purpose here."""
    return abs(one - other) < 1e-3


def rate_name(rate: float) -> str:
    """A rate as part of a file's name: ``24``, ``23.976``."""
    return f"{rate:.3f}".rstrip("0").rstrip(".")


def shot_frames(chunks: Iterable[int]) -> int:
    """How many frames a shot has.

    Args:
        chunks: Of each of its beats, at least 1.
    """
    return IN_FIRST + (sum(chunks) - 1) * PER_CHUNK


def share_chunks(asked: Sequence[int], of_shot: int) -> list[int]:
    """The chunks of each beat of a shot: those that do not say share what the others leave of a shot's usual
    length, each at least one.

    Args:
        asked: Chunks of each beat; 0: it does not say.
        of_shot: Chunks of a shot, as the model usually makes it.
    """
    silent = [index for index, chunks in enumerate(asked) if not chunks]
    left = max(len(silent), of_shot - sum(asked))
    chunks = list(asked)
    for number, index in enumerate(silent):
        # A shot's first chunk is shorter: what cannot be divided goes to the first beats.
        chunks[index] = left // len(silent) + (number < left % len(silent))
    return chunks


def chunks_of(frames: int, *, begins_shot: bool) -> int:
    """How many chunks a beat of so many frames has, at least 1."""
    first = IN_FIRST if begins_shot else PER_CHUNK
    return max(1, round((frames - first) / PER_CHUNK) + 1)


def divide_chunks(wanted: int, now: Sequence[int]) -> list[int]:
    """Divides a shot's new length among its beats: what is missing goes from the last ones, none below one
    chunk; what is added goes to the last.

    Args:
        wanted: Chunks of the shot; more than this if it has more beats.
        now: Chunks of each beat.
    """
    chunks = list(now)
    change = wanted - sum(chunks)
    if change >= 0:
        chunks[-1] += change
        return chunks
    for index in reversed(range(len(chunks))):
        taken = min(-change, chunks[index] - 1)
        chunks[index] -= taken
        change += taken
    return chunks


@dataclass(frozen=True)
class Piece:
    """A strip, or what was cut off it, in scene frames.

    Attributes:
        beat: ID of its shot's cut.
        start: Where it begins in the sequencer.
        first: The content's frame that it begins with; negative: it holds the first picture before that.
        end: The content's frame after its last one.
    """

    beat: str
    start: int
    first: int
    end: int


def shown_length(pieces: Iterable[Piece]) -> int:
    """How many frames of a shot's content are shown: a part that is shown twice counts once."""
    total, upto = 0, None
    for piece in sorted(pieces, key=lambda piece: piece.first):
        begin = piece.first if upto is None else max(piece.first, upto)
        total += max(0, piece.end - begin)
        upto = piece.end if upto is None else max(upto, piece.end)
    return total


def order_of(pieces: Iterable[Piece]) -> list[str]:
    """The shots in the order in which they begin in the sequencer."""
    starts: dict[str, int] = {}
    for piece in pieces:
        starts[piece.beat] = min(piece.start, starts.get(piece.beat, piece.start))
    return sorted(starts, key=lambda beat: starts[beat])
