# SPDX-License-Identifier: Apache-2.0
"""What a story needs to go on exactly where it was: clean latents, and the condition frames of its history.

Condition frames are kept as the decoder made them, in float32: 8-bit pictures would move the context latents
by 4e-2. Of a finished shot only those are kept that a later selection can pick. Of the running shot the clean
latents are kept instead: decoding them gives its frames again, and a clean pass over them its local cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from shotstream_runtime.streaming.shot_frames import HistoryFrame

from .durable_files import write_durably
from .errors import JournalError

_PROMPTS = "prompts"


def write_latents(path: Path, latents: Tensor) -> None:
    """Writes the clean latents of a chunk, ``[1, frames, channels, h, w]``.

    Raises:
        OSError: They cannot be written.
    """
    write_durably(path, save({"latents": latents.cpu().contiguous()}))


def read_latents(path: Path) -> Tensor:
    """Reads the clean latents of a chunk.

    Raises:
        JournalError: The file is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            latents: Tensor = file.get_tensor("latents")
            return latents
    except (OSError, SafetensorError) as error:
        raise JournalError(path, f"the latents cannot be read: {error}") from error


def write_history(path: Path, frames: Mapping[int, HistoryFrame]) -> None:
    """Writes the condition frames of a finished shot, by their index in it.

    Raises:
        OSError: They cannot be written.
    """
    tensors = {str(index): frame.pixels.contiguous() for index, frame in frames.items()}
    prompts = json.dumps({str(index): frame.prompt for index, frame in frames.items()})
    write_durably(path, save(tensors, metadata={_PROMPTS: prompts}))


def read_history(path: Path) -> dict[int, HistoryFrame]:
    """Reads the condition frames of a finished shot.

    Raises:
        JournalError: The file is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            prompts = json.loads((file.metadata() or {}).get(_PROMPTS, "{}"))
            names = sorted(file.keys(), key=int)
            return {int(name): HistoryFrame(_pixels(file.get_tensor(name)), prompts[name]) for name in names}
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise JournalError(path, f"the condition frames cannot be read: {error}") from error


def _pixels(stored: Tensor) -> Tensor:
    # A copy: what safetensors gives may lie in the mapped file, which is to be removable.
    return stored.to(torch.float32, copy=True)
