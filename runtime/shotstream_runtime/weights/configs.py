# SPDX-License-Identifier: Apache-2.0
"""Dimensions of a model's parts, as the files beside the weights state them."""

from __future__ import annotations

from dataclasses import dataclass

from ..codecs.umt5_config import Umt5Config
from ..codecs.video_config import VideoCodecConfig
from ..model.config import StudentConfig
from . import layouts
from .config_file import read_config, read_video_config
from .layouts import Layout
from .locate import ModelFiles, PartFile


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
    student, text = StudentConfig(), Umt5Config()
    if files.student.config is not None:
        student = read_config(files.student.config, StudentConfig.from_dict)
    if (path := files.text.config) is not None:
        read_text = Umt5Config.from_transformers if files.text.library else Umt5Config.from_published
        text = read_config(path, read_text)
    return PublishedConfigs(student, read_video_config(files.video), text)
