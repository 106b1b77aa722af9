# SPDX-License-Identifier: Apache-2.0
"""What the training device can do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import nn


def pick_device(name: str | None = None) -> torch.device:
    """The named device, or the GPU where there is one.

    On a GPU this also allows TF32 and lets cuDNN choose its convolutions by measuring.
    """
    device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
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


def default_workers() -> int:
    """Render workers: all cores but one, which the trainer needs for itself."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if hasattr(os, "sched_getaffinity") else 1


def compile_blocks(blocks: nn.ModuleList, probe: Callable[[], object], *, enabled: bool) -> bool:
    """Compiles transformer blocks one by one, which share one compilation, and tries them.

    Args:
        blocks: The blocks; all have the same code and shapes.
        probe: Runs a real step through them.
        enabled: ``False``: leave them as they are.

    Returns:
        Whether the blocks are compiled; after a failure they are as before, and training goes on without.
    """
    if not enabled:
        return False
    for block in blocks:
        block.compile(dynamic=False)
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - a compiler may fail in any way; eager always works
        print(f"going on without torch.compile: {type(error).__name__}: {str(error)[:500]}", flush=True)
        for block in blocks:
            block._compiled_call_impl = None
        return False
    return True


def cpu_bfloat16(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 matrix products on a CPU, for everything inside; a GPU's steps have `autocast`.

    Twice as fast where the processor has the instructions (AVX-512 BF16 or AMX), slower elsewhere.
    """
    return torch.autocast("cpu", torch.bfloat16, cache_enabled=False, enabled=device.type == "cpu")
