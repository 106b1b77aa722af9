# SPDX-License-Identifier: Apache-2.0
"""Next-shot samples out of a published-form data set: condition frames and target as pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from shotstream_runtime.streaming.context import select_context

from shotstream_training.data.clip_video import FrameSize, Pictures, VideoTooShort, read_frames
from shotstream_training.data.published_rows import (
    LENGTHS,
    SHOT_COUNT,
    VIDEO,
    BadRow,
    DatasetError,
    StoryRow,
    read_rows,
)

T = TypeVar("T")

TARGET_FRAMES = 81
"""Pixel frames of a whole target: 21 latents."""

REPORTED = 20
"""Bad rows that are told one by one; further ones are only counted."""


@dataclass(frozen=True)
class ClipSample:
    """One next-shot sample, in pictures.

    Attributes:
        row: Line of the CSV.
        context: Condition frames ``[6, H, W, 3]``, uint8; none of a first shot ``[0, H, W, 3]``.
        context_flags: Shot flag per condition frame, six of them.
        target: The next shot ``[1 + 4k, H, W, 3]``, uint8.
        shot_flag: Its flag.
        prompts: One per shot up to the target's, which is the last.
    """

    row: int
    context: Pictures
    context_flags: tuple[int, ...]
    target: Pictures
    shot_flag: int
    prompts: tuple[str, ...]

    def caption_index(self, latents: int) -> list[int]:
        """Which prompt each condition frame and each of the target's latents reads.

        A condition frame reads the prompt of the shot it was taken from; before a first shot the six empty
        slots read the target's.
        """
        own = len(self.prompts) - 1
        context = self.context_flags if len(self.context) else (own,) * len(self.context_flags)
        return [*context, *([own] * latents)]


def target_frames(length: int, most: int = TARGET_FRAMES) -> range:
    """Which frames of a shot become the target.

    A longer shot is strided evenly until it has ``most`` frames; a shorter one is kept. What is left over
    beyond 1 + 4k frames, a whole number of latents, is trimmed from the end.

    Args:
        length: Frames of the shot.
        most: Frames of a whole target.
    """
    stride = max(1, length // most)
    count = min(len(range(0, length, stride)), most)
    count = 1 + (count - 1) // 4 * 4
    return range(0, count * stride, stride)


class PublishedStories:
    """The data set: row by row to samples.

    Args:
        path: The CSV.
        size: Size of the pictures.
        slots: Condition frames.
        least_shots: A row with fewer shots is a bad row.
        shortest_target: A row whose last shot has fewer frames, after striding, is a bad row.
        report: Gets one line per bad row, and a last one when the rest is only counted.

    Raises:
        DatasetError: If the CSV cannot be used at all.
    """

    def __init__(
        self,
        path: Path,
        size: FrameSize,
        *,
        slots: int = 6,
        least_shots: int = 1,
        shortest_target: int = TARGET_FRAMES,
        report: Callable[[str], None] = print,
    ) -> None:
        self.path, self.size, self.slots = path, size, slots
        self._shortest, self._report = shortest_target, report
        rows, bad = read_rows(path)
        self.rows = [row for row in rows if row.shots >= least_shots]
        bad += [
            BadRow(r.row, SHOT_COUNT, r.shots, f"a story needs {least_shots} shots here", "leave the row out")
            for r in rows
            if r.shots < least_shots
        ]
        if not self.rows:
            raise DatasetError(f"{path}: no row has {least_shots} shots; give longer stories")
        self.skipped: Counter[int] = Counter()
        self._lock = Lock()
        for problem in bad:
            self.skip(problem)

    def __len__(self) -> int:
        return len(self.rows)

    def skip(self, problem: BadRow) -> None:
        """Counts a row that cannot be used, and reports it the first time."""
        # Rows are read on several threads.
        with self._lock:
            self.skipped[problem.row] += 1
            if self.skipped[problem.row] > 1:
                return
            told = len(self.skipped)
        if told <= REPORTED:
            self._report(f"{self.path.name}: skipped {problem}")
        elif told == REPORTED + 1:
            self._report(f"{self.path.name}: more than {REPORTED} bad rows; further ones are only counted")

    def sample(self, index: int, shots: int | None = None) -> ClipSample:
        """Reads the sample of a row.

        Args:
            index: Position among the usable rows.
            shots: Shots of the row to use; the last of them is the target. All by default.

        Raises:
            BadRow: If captions or video cannot be read, or the target is too short.
        """
        row = self.rows[index]
        prompts = row.prompts()
        last = (shots or row.shots) - 1
        chosen = target_frames(row.lengths[last])
        if len(chosen) < self._shortest:
            count, least = len(chosen), self._shortest
            problem = f"the target, shot {last + 1}, has {count} usable frames of at least {least}"
            fix = "remove the row or lower shortest_target"
            raise BadRow(row.row, LENGTHS, list(row.lengths), problem, fix)
        selection = select_context(row.lengths[:last], self.slots)
        context = self._read(row, [(pick.shot, pick.frame) for pick in selection.picks])
        target = self._read(row, [(last, frame) for frame in chosen])
        return ClipSample(
            row.row, context, selection.shot_flags, target, selection.new_shot_flag, prompts[: last + 1]
        )

    def story_prompts(self, index: int) -> tuple[str, ...]:
        """Only the prompts of a row, for stages that make their own pictures."""
        return self.rows[index].prompts()

    def _read(self, row: StoryRow, frames: Sequence[tuple[int, int]]) -> Pictures:
        """Frames given as (shot, frame in shot), in that order; each file is decoded once."""
        out = np.zeros((len(frames), self.size.height, self.size.width, 3), np.uint8)
        by_file: dict[Path, list[int]] = {}
        for place, (shot, _) in enumerate(frames):
            by_file.setdefault(row.video(shot), []).append(place)
        for path, places in by_file.items():
            indices = [row.first_frame(frames[place][0]) + frames[place][1] for place in places]
            try:
                out[places] = read_frames(path, indices, self.size)
            except VideoTooShort as error:
                fix = f"the file has {error.frames} frames in all; correct the counts or the file"
                raise BadRow(row.row, LENGTHS, list(row.lengths), str(error), fix) from error
            except (OSError, ValueError, IndexError) as error:
                # An IndexError: the file has no video stream.
                problem = f"cannot be decoded ({type(error).__name__}: {error})"
                raise BadRow(row.row, VIDEO, path.name, problem, "repair or replace the file") from error
        return out


def first_good(stories: PublishedStories, candidates: Sequence[int], read: Callable[[int], T]) -> T:
    """What ``read`` gives for the first of some rows that can be read; those before it are skipped.

    Raises:
        DatasetError: If none can.
    """
    problem: BadRow | None = None
    for index in candidates:
        try:
            return read(index)
        except BadRow as error:
            stories.skip(error)
            problem = error
    raise DatasetError(f"{stories.path}: none of its rows can be read; the last problem: {problem}")
