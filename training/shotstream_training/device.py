# SPDX-License-Identifier: Apache-2.0
"""What the training device can do."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

import torch

from shotstream_training.errors import TrainingError


def pick_device(name: str | None = None) -> torch.device:
    """The named device, or the GPU where there is one.

    On a GPU this also allows TF32 and lets cuDNN choose its convolutions by measuring.

    Raises:
        TrainingError: If a GPU is named and there is none.
    """
    device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainingError("--device cuda: torch finds no GPU here; give cpu, or leave it out")
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    return device


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 matrix products on a GPU; plain float32 on a CPU."""
    if device.type == "cuda":
        # Without the cache of casts: inside a CUDA graph a cached cast would never be made again.
        return torch.autocast("cuda", torch.bfloat16, cache_enabled=False)
    return contextlib.nullcontext()


def cpu_bfloat16(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 matrix products on a CPU, for everything inside; a GPU's steps have `autocast`.

    Worth it where the processor has the instructions (AVX-512 BF16 or AMX).
    """
    return torch.autocast("cpu", torch.bfloat16, cache_enabled=False, enabled=device.type == "cpu")
