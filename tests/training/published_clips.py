# SPDX-License-Identifier: Apache-2.0
"""Writes small data sets of the published form: real videos, captions, a CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

COLUMNS = ("shot_num_from_caption", "json_path", "video_path", "frame_number")
STEP = 2
"""Grey levels between frames of a shot."""


def level(shot: int, frame: int) -> int:
    """Grey level of a frame: tells which frame of which shot it is."""
    return 16 + 40 * shot + STEP * (frame % 12)


def write_video(path: Path, shots: Sequence[tuple[int, int]], size: tuple[int, int] = (64, 48)) -> None:
    """Writes shots, given as (number, frames), into one file, losslessly; every frame one grey level."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(16))
        stream.width, stream.height = size
        stream.pix_fmt = "bgr0"
        for shot, frames in shots:
            for frame in range(frames):
                picture = np.full((size[1], size[0], 3), level(shot, frame), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def write_captions(path: Path, shots: int, **more: object) -> None:
    """Writes a caption file; ``more`` adds or replaces entries."""
    content: dict[str, object] = {"global_caption": f"a fox ({path.stem}). "}
    content |= {f"shot{shot}": f"it does thing {shot}" for shot in range(1, shots + 1)}
    path.write_text(json.dumps(content | more), encoding="utf-8")


def write_story(
    folder: Path, name: str, lengths: Sequence[int], **video: tuple[int, int]
) -> dict[str, object]:
    """Writes video and captions of one story and returns its CSV row."""
    write_video(folder / f"{name}.mkv", list(enumerate(lengths)), **video)
    write_captions(folder / f"{name}.json", len(lengths))
    return dict(zip(COLUMNS, (len(lengths), f"{name}.json", f"{name}.mkv", list(lengths)), strict=True))


def write_table(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    """Writes the CSV and returns its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path
