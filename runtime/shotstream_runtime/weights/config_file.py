# SPDX-License-Identifier: Apache-2.0
"""Dimensions in JSON files. Nothing heavy is imported: sizes are wanted long before weights are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ..codecs.video_config import VideoCodecConfig
from .errors import WeightsError
from .locate import PartFile

Config = TypeVar("Config")


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


def read_video_config(file: PartFile) -> VideoCodecConfig:
    """The dimensions of an autoencoder from its publishers; the published ones where no file states them.

    Raises:
        WeightsError: As `read_config`.
    """
    if file.config is None:
        return VideoCodecConfig()
    read = VideoCodecConfig.from_diffusers if file.library else VideoCodecConfig.from_published
    return read_config(file.config, read)
