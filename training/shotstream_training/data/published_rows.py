# SPDX-License-Identifier: Apache-2.0
"""The published form of a data set: a CSV with one story per row, and captions in JSON files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shotstream_runtime.codecs.prompt import shot_prompt

from shotstream_training.errors import TrainingError

SHOT_COUNT = "shot_num_from_caption"
CAPTIONS = "json_path"
VIDEO = "video_path"
LENGTHS = "frame_number"
COLUMNS = (SHOT_COUNT, CAPTIONS, VIDEO, LENGTHS)

GLOBAL_CAPTION = "global_caption"

_LIST_MARKS = re.compile(r"[\[\]()\s]")


class DatasetError(TrainingError):
    """A data set that cannot be used at all; the message says what to change."""


class BadRow(ValueError):
    """A row that cannot become a sample.

    Args:
        row: Line of the CSV as a spreadsheet counts it; the header is line 1.
        column: The column at fault.
        value: What stands there.
        problem: What is wrong with it.
        fix: What to change.
    """

    def __init__(self, row: int, column: str, value: object, problem: str, fix: str) -> None:
        shown = str(value)
        shown = shown if len(shown) <= 120 else shown[:117] + "..."
        super().__init__(f"row {row}, {column}={shown!r}: {problem}; {fix}")
        self.row, self.column, self.value = row, column, value


@dataclass(frozen=True, slots=True)
class StoryRow:
    """One story of the data set; nothing of it has been opened yet.

    Attributes:
        row: Line of the CSV, the header being line 1.
        captions: Caption file.
        videos: One file with all shots, or one file per shot.
        lengths: Frames of each shot.
    """

    row: int
    captions: Path
    videos: tuple[Path, ...]
    lengths: tuple[int, ...]

    @property
    def shots(self) -> int:
        """Number of shots."""
        return len(self.lengths)

    def first_frame(self, shot: int) -> int:
        """Index of a shot's first frame in the video it lies in."""
        return sum(self.lengths[:shot]) if len(self.videos) == 1 else 0

    def video(self, shot: int) -> Path:
        """The file a shot lies in."""
        return self.videos[0 if len(self.videos) == 1 else shot]

    def prompts(self) -> tuple[str, ...]:
        """Prompts of all shots, built as the runtime builds them.

        Raises:
            BadRow: If the caption file cannot be read or lacks a caption.
        """
        return read_captions(self)


def read_rows(path: Path) -> tuple[list[StoryRow], list[BadRow]]:
    """Reads the CSV; files named in it are looked for, not opened.

    Paths in the CSV are relative to the CSV's folder. ``video_path`` names one file with all shots in order,
    or one file per shot; ``frame_number`` has one number of frames per shot. Several values are separated by
    commas, semicolons or spaces, with or without brackets.

    Args:
        path: The CSV.

    Returns:
        Usable rows and, for each row that is not, why.

    Raises:
        DatasetError: If the file is missing, lacks a column, or has no usable row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: cannot be read as UTF-8 text ({error}); give a CSV with {COLUMNS}"
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "none"
        raise DatasetError(
            f"{path}: column {', '.join(missing)} is missing (found: {found}); add it to the header"
        )
    rows: list[StoryRow] = []
    bad: list[BadRow] = []
    for values in reader:
        try:
            rows.append(_parse(values, reader.line_num, path.parent))
        except BadRow as error:
            bad.append(error)
    if not rows:
        why = f"; the first problem: {bad[0]}" if bad else ": the file has a header only"
        raise DatasetError(f"{path}: no usable row{why}")
    return rows, bad


def _parse(values: Mapping[str, str | None], row: int, folder: Path) -> StoryRow:
    def text(column: str) -> str:
        value = (values[column] or "").strip()
        if not value:
            raise BadRow(row, column, value, "is empty", "fill it in")
        return value

    shots = _whole(row, SHOT_COUNT, text(SHOT_COUNT))
    parts = [part for part in re.split(r"[,;\s]+", _LIST_MARKS.sub(" ", text(LENGTHS)).strip()) if part]
    lengths = tuple(_whole(row, LENGTHS, part) for part in parts)
    if len(lengths) != shots:
        raise BadRow(
            row,
            LENGTHS,
            text(LENGTHS),
            f"has {len(lengths)} numbers for {shots} shots, so it is unknown where shots end",
            "give one number of frames per shot",
        )
    return StoryRow(
        row,
        _existing(row, CAPTIONS, text(CAPTIONS), folder),
        _video_files(row, text(VIDEO), shots, folder),
        lengths,
    )


def _whole(row: int, column: str, value: str) -> int:
    # Spreadsheets like to write 5 as 5.0.
    number = re.fullmatch(r"(\d+)(?:\.0+)?", value)
    if number is None or not int(number[1]):
        raise BadRow(row, column, value, "is not a whole number of 1 or more", "give a count")
    return int(number[1])


def _existing(row: int, column: str, value: str, folder: Path) -> Path:
    path = folder / value
    if not path.is_file():
        raise BadRow(row, column, value, f"no such file ({path})", "give a path relative to the CSV's folder")
    return path


def _video_files(row: int, value: str, shots: int, folder: Path) -> tuple[Path, ...]:
    if (folder / value).is_file():
        return (folder / value,)
    names = [part.strip(" \"'") for part in re.split(r"[,;]", value.strip("[]() ")) if part.strip(" \"'")]
    if len(names) not in (1, shots):
        problem = f"names {len(names)} files for {shots} shots"
        raise BadRow(row, VIDEO, value, problem, "give one file for the story or one per shot")
    return tuple(_existing(row, VIDEO, name, folder) for name in names)


def read_captions(row: StoryRow) -> tuple[str, ...]:
    """The prompts of a row; see `StoryRow.prompts`."""
    name = row.captions.name

    def refuse(problem: str, fix: str) -> BadRow:
        return BadRow(row.row, CAPTIONS, name, problem, fix)

    try:
        content = json.loads(row.captions.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise refuse(f"cannot be read as JSON ({error})", "repair the file") from error
    if not isinstance(content, dict):
        raise refuse("is not a JSON object", f"give {GLOBAL_CAPTION} and shot1, shot2, ...")
    keys = (GLOBAL_CAPTION, *(f"shot{shot}" for shot in range(1, row.shots + 1)))
    for key in keys:
        if not isinstance(content.get(key), str) or (key != GLOBAL_CAPTION and not content[key].strip()):
            raise refuse(f"has no text under {key!r}", f"add it, or correct {SHOT_COUNT}")
    if f"shot{row.shots + 1}" in content:
        raise refuse(f"has captions beyond shot{row.shots}", f"correct {SHOT_COUNT}={row.shots}")
    return tuple(
        shot_prompt(content[GLOBAL_CAPTION], shot, content[key]) for shot, key in enumerate(keys[1:])
    )
