# SPDX-License-Identifier: Apache-2.0
"""Which decoded frames of earlier shots become the condition frames (paper section 3.2, dynamic sampling)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContextPick:
    """One condition frame.

    Attributes:
        shot: Absolute number of the finished shot; also the frame's shot flag.
        frame: Index of the decoded pixel frame within that shot.
    """

    shot: int
    frame: int


@dataclass(frozen=True, slots=True)
class ContextSelection:
    """The condition frames of a new shot, and its flag.

    Attributes:
        picks: Condition frames in temporal order; empty before the first shot.
        shot_flags: Flag per context slot; all zero before the first shot.
        new_shot_flag: Flag of the new shot: one more than the last context flag. Before the first shot it is
            1, the same as for the second shot.
    """

    picks: tuple[ContextPick, ...]
    shot_flags: tuple[int, ...]
    new_shot_flag: int


def picks_within(first: int, length: int, count: int) -> tuple[int, ...]:
    """Frames of one shot, equally spaced from its first to its last.

    Rounding happens on the index in the concatenation of all shots, half to even, so it depends on the parity
    of ``first``.

    Args:
        first: Decoded frames of all shots before this one.
        length: Decoded frames of this shot.
        count: Frames wanted; a single one is the shot's first.

    Returns:
        Indices within the shot.
    """
    if count == 1:
        return (0,)
    return tuple(round(first + j * (length - 1) / (count - 1)) - first for j in range(count))


def select_context(shot_lengths: Sequence[int], frames: int = 6) -> ContextSelection:
    """Shares the condition frames among the finished shots.

    Every shot gets the integer quotient and the latest ones one more each; with more shots than frames the
    earliest get none.

    Args:
        shot_lengths: Decoded frames of every finished shot, in order, including shots too old to be picked.
        frames: Condition frames in all.

    Raises:
        ValueError: If a shot has no frame.
    """
    if any(length < 1 for length in shot_lengths):
        raise ValueError(f"shot_lengths={list(shot_lengths)}: a finished shot has at least one frame")
    shots = len(shot_lengths)
    if not shots:
        return ContextSelection(picks=(), shot_flags=(0,) * frames, new_shot_flag=1)
    quotient, remainder = divmod(frames, shots)
    picks: list[ContextPick] = []
    first = 0
    for shot, length in enumerate(shot_lengths):
        count = quotient + (1 if shot >= shots - remainder else 0)
        if count:
            picks.extend(ContextPick(shot, frame) for frame in picks_within(first, length, count))
        first += length
    flags = tuple(pick.shot for pick in picks)
    return ContextSelection(picks=tuple(picks), shot_flags=flags, new_shot_flag=flags[-1] + 1)


def selectable_frames(first: int, length: int, frames: int = 6) -> tuple[int, ...]:
    """Every frame of a finished shot that any later selection can pick, at most 13 for six frames.

    Args:
        first: Decoded frames of all shots before this one.
        length: Decoded frames of this shot.
        frames: Condition frames in all.

    Returns:
        Sorted indices within the shot.
    """
    return tuple(
        sorted({frame for count in range(1, frames + 1) for frame in picks_within(first, length, count)})
    )
