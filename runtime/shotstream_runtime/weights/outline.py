# SPDX-License-Identifier: Apache-2.0
"""What a model is, read of its files in moments: its weights are neither moved nor read whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from ..codecs.video_config import VideoCodecConfig
from ..model.config import StudentConfig
from .checkpoint import read_checkpoint
from .config_file import read_config
from .configs import read_configs
from .fingerprint import fingerprint
from .load import LoadedModel
from .locate import MINI_FOLDER, is_own_format, locate, require_own_format
from .names import STUDENT_ENTRY
from .profile import ModelProfile, published_profile


@dataclass(frozen=True)
class ModelOutline:
    """A model's identity and sizes.

    Attributes:
        source: As `load_model` takes it; empty if it was made in memory.
        student: Dimensions of the student.
        profile: Sizes and rates, and the hash of the weights.
        spatial_factor: Pixels per latent, in rows and in columns.
    """

    source: str
    student: StudentConfig
    profile: ModelProfile
    spatial_factor: int

    @classmethod
    def of(cls, model: LoadedModel) -> Self:
        """The outline of a loaded model."""
        return cls(model.source, model.student.config, model.profile, model.video.spatial_factor)

    @property
    def latent_size(self) -> tuple[int, int]:
        """Latent rows and columns."""
        return self.profile.height // self.spatial_factor, self.profile.width // self.spatial_factor


def read_outline(source: Literal["mini"] | Path | str) -> ModelOutline:
    """The outline of what `load_model` would load.

    Raises:
        WeightsError: A file is missing or unreadable.
        CheckpointError: A file is damaged or unsafe.
    """
    folder = MINI_FOLDER if source == "mini" else Path(source)
    if source == "mini" or is_own_format(folder):
        require_own_format(folder)
        profile = ModelProfile.from_json(folder / "profile.json")
        student = read_config(folder / "student_config.json", StudentConfig.from_dict)
        video = read_config(folder / "vae_config.json", VideoCodecConfig.model_validate)
        parts = {
            "student": read_checkpoint(folder / "student.safetensors"),
            "video": read_checkpoint(folder / "vae.safetensors"),
            "text": read_checkpoint(folder / "text.safetensors"),
        }
    else:
        files = locate(folder)
        configs, profile = read_configs(files), published_profile(folder)
        student, video = configs.student, configs.video
        parts = {
            "student": read_checkpoint(files.student.path, STUDENT_ENTRY),
            "video": read_checkpoint(files.video.path),
            "text": read_checkpoint(files.text.path),
        }
    profile = profile.model_copy(update={"weights_hash": fingerprint(parts)})
    return ModelOutline(str(source), student, profile, video.spatial_factor)
