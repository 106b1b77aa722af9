# SPDX-License-Identifier: Apache-2.0
"""What a person and a client want to know of a model before it draws anything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from .errors import WeightsError


class ModelProfile(BaseModel):
    """A model's face to the outside.

    Attributes:
        name: Short name, e.g. `mini`.
        width: Columns of a frame, in pixels.
        height: Rows of a frame, in pixels.
        fps: Frames per second the model was trained at.
        frames_per_chunk: Latent frames generated together.
        latent_frames_per_shot: Length of a shot unless a beat says otherwise, in latent frames.
        prompt_style: How the student's prompt is put together; `shotstream`: the global caption, directly
            followed by `shot{i}:` and the shot's caption.
        weights_hash: Tells two sets of weights apart; computed when they are loaded.
        description: One or two sentences for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    width: PositiveInt
    height: PositiveInt
    fps: PositiveFloat = 16.0
    frames_per_chunk: PositiveInt = 3
    latent_frames_per_shot: PositiveInt = 21
    prompt_style: Literal["shotstream"] = "shotstream"
    weights_hash: str = ""
    description: str = ""

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Reads a `profile.json`.

        Raises:
            WeightsError: The file cannot be read, or a field is missing, unknown or impossible.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise WeightsError(f"{path} cannot be read: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the file"
            raise WeightsError(f"{path}: {field}: {first['msg']} (got {first['input']!r:.80})") from error


PUBLISHED_PROFILE = ModelProfile(
    name="shotstream",
    width=832,
    height=480,
    description="The published ShotStream student (Wan2.1-T2V-1.3B layout).",
)


def published_profile(folder: Path) -> ModelProfile:
    """The profile of a folder of published weights: its own where it has one.

    Raises:
        WeightsError: Its own cannot be read.
    """
    path = folder / "profile.json"
    return ModelProfile.from_json(path) if path.is_file() else PUBLISHED_PROFILE
