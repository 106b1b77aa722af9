# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on disk: its folder, and the manifest in the product's format (``shotstream-take``, version 1).

::

    FOLDER/TITLE/take_001/manifest.json
                          frames/000000.png   every frame, lossless, named by its number in the take
                          shots/000.mp4       each shot as a movie, for the sequencer
                          spool/              frames that are not PNG files yet
"""

import json
import os
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FRAMES = "frames"
SHOTS = "shots"
SPOOL = "spool"
MANIFEST = "manifest.json"


@dataclass
class BeatRecord:
    """One beat of the manifest; times are seconds since the take began."""

    id: str
    text: str
    mode: str
    policy: str
    submitted_s: float
    shot: int | None = None
    first_frame: int | None = None
    frames: int = 0
    outcome: str | None = None
    reason: str | None = None
    scheduled_s: float | None = None
    first_frame_s: float | None = None
    done_s: float | None = None


@dataclass
class ShotRecord:
    """One shot of the manifest."""

    shot: int
    first_frame: int
    frames: int = 0
    beats: list[str] = field(default_factory=list)


@dataclass
class Take:
    """What the manifest tells.

    Attributes:
        folder: The take's folder.
        model: ``name``, ``weights_hash``, ``width`` and ``height``.
    """

    folder: Path
    product_version: str
    title: str | None
    global_caption: str
    seed: int
    model: dict
    fps: float
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    wall_s: float = 0.0
    beats: dict[str, BeatRecord] = field(default_factory=dict)
    shots: dict[int, ShotRecord] = field(default_factory=dict)
    notices: list[dict] = field(default_factory=list)
    missed: int = 0

    @property
    def frames(self) -> int:
        """Frames recorded."""
        return sum(shot.frames for shot in self.shots.values())

    def add_frame(self, shot: int, index: int, index_in_shot: int, beat_id: str) -> None:
        """Counts a recorded frame."""
        record = self.shots.get(shot)
        if record is None:
            record = self.shots[shot] = ShotRecord(shot, index - index_in_shot)
        record.frames += 1
        if beat_id not in record.beats:
            record.beats.append(beat_id)

    def write_manifest(self, *, complete: bool) -> Path:
        """Writes the manifest, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        manifest = {
            "format": "shotstream-take",
            "version": 1,
            "product_version": self.product_version,
            "created": self.created,
            "title": self.title,
            "global_caption": self.global_caption,
            "seed": self.seed,
            "model": self.model,
            "fps": self.fps,
            "frames": self.frames,
            "skipped_frames": self.missed,
            "complete": complete,
            "wall_s": round(self.wall_s, 3),
            "movie": None,
            "pictures": FRAMES,
            "contact_sheet": None,
            "beats": [asdict(beat) for beat in self.beats.values()],
            "shots": [asdict(shot) for _, shot in sorted(self.shots.items())],
            "notices": self.notices,
        }
        path = self.folder / MANIFEST
        part = path.with_suffix(".part")
        part.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        os.replace(part, path)
        return path


def new_folder(parent: Path, title: str) -> Path:
    """Makes the folder of a new take: the next number that is free.

    Raises:
        OSError: It cannot be made.
    """
    name = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", title)).strip("_")[:60] or "story"
    for number in range(1, 100_000):
        folder = parent / name / f"take_{number:03d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        for part in (FRAMES, SHOTS, SPOOL):
            (folder / part).mkdir()
        return folder
    raise OSError(f"{parent / name} holds too many takes; choose another folder")
