# SPDX-License-Identifier: Apache-2.0
"""The manifest of a take: what was asked for, what was made of it, and by which model.

`manifest.json` is the interface through which other programs (Blender, Unreal, scripts) read a take, so
it is versioned: readers accept a manifest whose `version` they know and may ignore nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import TakeError

VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TakeBeat(_Part):
    """One beat of the story. Times are seconds since the take began; None: it never got that far."""

    id: str
    text: str
    mode: str = Field(description="How it entered: cut or continue")
    policy: str = Field(description="How it treated beats before it: queue, replace or interrupt")
    shot: int | None = Field(default=None, description="Index of its shot, from 0")
    first_frame: int | None = Field(default=None, description="Index in the story of its first frame")
    frames: int = 0
    outcome: str | None = Field(
        default=None,
        description="completed, interrupted, superseded, cancelled, failed or rejected",
    )
    reason: str | None = Field(default=None, description="Why it failed or was rejected")
    submitted_s: float
    scheduled_s: float | None = None
    first_frame_s: float | None = None
    done_s: float | None = None


class TakeShot(_Part):
    """One shot: frames `first_frame` to `first_frame + frames - 1` of the story."""

    shot: int = Field(description="Index, from 0")
    first_frame: int
    frames: int = Field(description="Frames recorded; less than generated if some were skipped")
    beats: list[str] = Field(description="Ids of the beats that have frames in it, in order")


class TakeNotice(_Part):
    """Something the user should know about the result, such as a word the model does not know."""

    code: str
    text: str
    beat: str | None = None


class TakeModel(_Part):
    """The model that generated the frames; `weights_hash` tells two versions of one name apart."""

    name: str
    weights_hash: str | None = Field(default=None, description="None where the server did not tell")
    width: int
    height: int


class TakeManifest(_Part):
    """A take. Paths are relative to the manifest's folder."""

    format: Literal["shotstream-take"] = "shotstream-take"
    version: Literal[1] = 1
    product_version: str
    created: datetime
    title: str | None
    global_caption: str
    seed: int
    model: TakeModel
    fps: float
    frames: int = Field(description="Frames recorded")
    skipped_frames: int = Field(default=0, description="Frames a live watcher passed over")
    complete: bool = Field(description="False if the story was stopped, failed or lost its server")
    wall_s: float = Field(description="Seconds from the first beat to the last frame")
    movie: str | None = None
    pictures: str | None = Field(default=None, description="Folder of PNG files named by frame index")
    contact_sheet: str | None = None
    beats: list[TakeBeat]
    shots: list[TakeShot]
    notices: list[TakeNotice] = []


def read_manifest(path: Path) -> TakeManifest:
    """Reads the manifest of a take.

    Raises:
        TakeError: The file cannot be read, is no manifest, or has another version.
    """
    try:
        return TakeManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TakeError(f"{path}: the manifest cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        where = f"{path}: {field}" if field else str(path)
        raise TakeError(f"{where}: not a take manifest of version {VERSION}: {first['msg']}") from error
