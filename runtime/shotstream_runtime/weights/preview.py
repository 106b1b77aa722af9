# SPDX-License-Identifier: Apache-2.0
"""The small decoder for previews, from its published file."""

from __future__ import annotations

from pathlib import Path

import torch

from ..codecs.preview_decoder import PreviewDecoder
from .checkpoint import read_checkpoint
from .errors import CheckpointError, WeightsError

PREVIEW_FILES = ("taew2_1.safetensors", "taew2_1.pth")
_HOME = "https://github.com/madebyollin/taehv"


def find_preview(folder: Path) -> Path:
    """The file in a folder of weights.

    Raises:
        WeightsError: It is not there; says where to get it.
    """
    for name in PREVIEW_FILES:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(
        f"{folder} lacks {PREVIEW_FILES[1]}, the small decoder for --decoder preview; it is at {_HOME}"
    )


def load_preview(
    path: Path, *, latent_channels: int, device: torch.device | str, dtype: torch.dtype
) -> PreviewDecoder:
    """Loads it.

    Raises:
        CheckpointError: The file is damaged, or its tensors do not fit; names file and tensor.
    """
    with torch.device("meta"):
        decoder = PreviewDecoder(latent_channels)
    try:
        decoder.load_published(read_checkpoint(path))
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return decoder.to(device, dtype).eval().requires_grad_(False)
