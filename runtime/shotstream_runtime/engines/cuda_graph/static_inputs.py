# SPDX-License-Identifier: Apache-2.0
"""Static buffers that passes read, and how they are filled without the host waiting for the device."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor

from shotstream_runtime.model import CaptionKeys, RotaryTable, StudentConfig


def fill(buffer: Tensor, value: Tensor) -> None:
    """Copies a value into a static buffer; from main memory by way of pinned memory, so that nobody waits."""
    if buffer.is_cuda and not value.is_cuda:
        # In the buffer's type already: a copy that has to convert goes by way of memory that is not pinned.
        value = value.to(buffer.dtype).pin_memory()
    buffer.copy_(value, non_blocking=True)


class StaticRotary:
    """A rotary table at a fixed place in memory."""

    def __init__(self, frames: int, tokens_per_frame: int, head_dim: int, device: torch.device) -> None:
        shape = (1, frames * tokens_per_frame, 1, head_dim // 2)
        self.table = RotaryTable(torch.zeros(shape, device=device), torch.zeros(shape, device=device))
        self._holds: object = None

    def hold(self, key: object, table: RotaryTable) -> None:
        """Takes a table in; `key` says which it is."""
        fill(self.table.cos, table.cos)
        fill(self.table.sin, table.sin)
        self._holds = key

    def holds(self, key: object) -> bool:
        """Whether it holds that table already."""
        return self._holds == key


class StaticCaption:
    """Caption keys at a fixed place in memory; one row, which all rows of a batch read."""

    def __init__(self, config: StudentConfig, batch: int, device: torch.device, dtype: torch.dtype) -> None:
        shape = (config.num_layers, 2, 1, config.text_len, config.num_heads, config.head_dim)
        self._buffer = torch.zeros(shape, device=device, dtype=dtype)
        self.keys = CaptionKeys(
            tuple(
                (pair[0].expand(batch, -1, -1, -1), pair[1].expand(batch, -1, -1, -1))
                for pair in self._buffer
            )
        )
        self._held: weakref.ref[CaptionKeys] | None = None

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self._buffer.nbytes

    def hold(self, caption: CaptionKeys) -> None:
        """Takes a caption in, unless it is there."""
        if self._held is not None and self._held() is caption:
            return
        for (keys, values), pair in zip(caption.layers, self._buffer, strict=True):
            pair[0].copy_(keys[:1])
            pair[1].copy_(values[:1])
        self._held = weakref.ref(caption)
