# SPDX-License-Identifier: Apache-2.0
"""Dimensions of a model's parts, as the files beside the weights state them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ..codecs.umt5_config import Umt5Config
from ..codecs.video_config import VideoCodecConfig
from ..model.config import StudentConfig
from . import layouts
from .errors import WeightsError
from .layouts import Layout
from .locate import ModelFiles, PartFile

Config = TypeVar("Config")


@dataclass(frozen=True)
class PublishedConfigs:
    """Dimensions of a model's parts: the published ones, or those that files beside the weights state."""

    student: StudentConfig
    video: VideoCodecConfig
    text: Umt5Config

    def student_layout(self) -> Layout:
        """What the student's file has to hold."""
        return layouts.student_layout(self.student)

    def video_layout(self, file: PartFile) -> Layout:
        """What the autoencoder's file has to hold."""
        make = layouts.library_video_layout if file.library else layouts.video_layout
        return make(self.video)

    def text_layout(self, file: PartFile) -> Layout:
        """What the text encoder's file has to hold."""
        make = layouts.library_text_layout if file.library else layouts.text_layout
        return make(self.text)


def read_configs(files: ModelFiles) -> PublishedConfigs:
    """Reads the dimensions stated beside the weights; where nothing is stated they are the published ones.

    Raises:
        WeightsError: A configuration cannot be read or has an impossible value.
    """
    student, video, text = StudentConfig(), VideoCodecConfig(), Umt5Config()
    if files.student.config is not None:
        student = read_config(files.student.config, StudentConfig.from_dict)
    if (path := files.video.config) is not None:
        read_video = (
            VideoCodecConfig.from_diffusers if files.video.library else VideoCodecConfig.from_published
        )
        video = read_config(path, read_video)
    if (path := files.text.config) is not None:
        read_text = Umt5Config.from_transformers if files.text.library else Umt5Config.from_published
        text = read_config(path, read_text)
    return PublishedConfigs(student, video, text)


def read_config(path: Path, read: Callable[[dict[str, Any]], Config]) -> Config:
    """Reads a JSON object of dimensions.

    Args:
        path: The file.
        read: Makes a configuration of the object; a ValueError of it is reported with the file's name.

    Raises:
        WeightsError: The file cannot be read, is no JSON object, or has an impossible value.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise WeightsError(f"{path}: expected a JSON object with dimensions")
        return read(values)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise WeightsError(f"{path}: {field + ': ' if field else ''}{first['msg']}") from error
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{path}: {error}") from error
