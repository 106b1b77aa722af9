# SPDX-License-Identifier: Apache-2.0
"""The dual cache: global context and local context in one preallocated buffer per layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from shotstream_runtime.model.config import StudentConfig


@dataclass(frozen=True, slots=True)
class CacheSpan:
    """Where a pass writes its keys and values, and how far it reads.

    Attributes:
        start: First token slot written.
        stop: One past the last token slot written.
        keys: Number of leading token slots attended to; at least ``stop``.
    """

    start: int
    stop: int
    keys: int


class DualCache:
    """Keys and values of the condition frames and of the current shot, written in place.

    Every layer owns one buffer laid out ``[context slots | local slots]``. Keys carry their rotary embedding
    when they are written, and attention does not care about the order of keys, so what a pass reads is always
    a view of the first N tokens: nothing is cloned, nothing concatenated. Beyond ``local_window_frames`` the
    local part is a ring behind ``sink_frames`` frames that stay.

    Attributes:
        buffers: One tensor per layer, ``[2 (keys, values), b, slots x tokens_per_frame, heads, head_dim]``.
    """

    def __init__(
        self,
        config: StudentConfig,
        *,
        tokens_per_frame: int,
        batch: int = 1,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._config = config
        self.tokens_per_frame = tokens_per_frame
        self.batch = batch
        shape = _buffer_shape(config, tokens_per_frame, batch)
        # Written at once: memory that was only promised would run out in the middle of a shot.
        self.buffers = tuple(
            torch.empty(shape, device=device, dtype=dtype).zero_() for _ in range(config.num_layers)
        )

    @staticmethod
    def bytes_of(config: StudentConfig, *, tokens_per_frame: int, itemsize: int, batch: int = 1) -> int:
        """Memory that a cache of these dimensions holds, in bytes; `itemsize` is that of a number."""
        return config.num_layers * math.prod(_buffer_shape(config, tokens_per_frame, batch)) * itemsize

    @property
    def bytes(self) -> int:
        """Memory held, in bytes."""
        return sum(buffer.numel() * buffer.element_size() for buffer in self.buffers)

    def context_span(self) -> CacheSpan:
        """The span of the context pass; see `context_span`."""
        return context_span(self._config, self.tokens_per_frame)

    def local_span(self, first_frame: int) -> CacheSpan:
        """The span of a chunk; see `local_span`.

        Raises:
            ValueError: If ``first_frame`` is not the start of a chunk.
        """
        return local_span(self._config, self.tokens_per_frame, first_frame)

    def store(self, layer: int, span: CacheSpan, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Writes a pass's keys and values in place and returns what it attends to.

        Args:
            layer: Layer index.
            span: Where to write and how far to read.
            keys: ``[b, span tokens, heads, head_dim]``, rotary embedding applied.
            values: Same shape.

        Returns:
            Views ``[b, span.keys, heads, head_dim]`` of the layer's keys and values.
        """
        key_slot, value_slot = self.slot(layer, span)
        key_slot.copy_(keys)
        value_slot.copy_(values)
        return self.leading(layer, span, keys.dtype)

    def slot(self, layer: int, span: CacheSpan) -> tuple[Tensor, Tensor]:
        """Views ``[b, span tokens, heads, head_dim]`` of where a pass writes a layer's keys and values."""
        buffer = self.buffers[layer]
        return buffer[0, :, span.start : span.stop], buffer[1, :, span.start : span.stop]

    def leading(self, layer: int, span: CacheSpan, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """What a pass attends to: views ``[b, span.keys, heads, head_dim]`` of a layer's keys and values.

        Of a cache in another type than `dtype` they are copies in that type, for as long as they are used.
        """
        buffer = self.buffers[layer]
        return buffer[0, :, : span.keys].to(dtype), buffer[1, :, : span.keys].to(dtype)

    def preceding(self, layer: int, span: CacheSpan) -> tuple[Tensor, Tensor]:
        """Views of everything before a span, for passes that carry gradient and must not write in place."""
        buffer = self.buffers[layer]
        return buffer[0, :, : span.start], buffer[1, :, : span.start]


def context_span(config: StudentConfig, tokens_per_frame: int) -> CacheSpan:
    """The span of the context pass: condition frames attend to one another only."""
    tokens = config.max_context_frames * tokens_per_frame
    return CacheSpan(start=0, stop=tokens, keys=tokens)


def local_span(config: StudentConfig, tokens_per_frame: int, first_frame: int) -> CacheSpan:
    """The span of the chunk that starts at a latent frame of the current shot.

    Args:
        config: Lengths of a chunk, the window and the sink.
        tokens_per_frame: Tokens of a latent frame.
        first_frame: Index of the chunk's first latent frame in its shot; a multiple of the chunk length.

    Raises:
        ValueError: If ``first_frame`` is not the start of a chunk.
    """
    chunk = config.frames_per_chunk
    if first_frame < 0 or first_frame % chunk:
        raise ValueError(f"first_frame={first_frame} must be a multiple of frames_per_chunk={chunk}")
    sink = config.sink_frames
    # The ring holds whole chunks: a window that is no multiple of a chunk leaves its last slots unused.
    ring = (config.local_window_frames - sink) // chunk * chunk
    window = sink + ring
    slot = first_frame if first_frame < window else sink + (first_frame - sink) % ring
    filled = min(first_frame + chunk, window)
    start = (config.max_context_frames + slot) * tokens_per_frame
    return CacheSpan(
        start=start,
        stop=start + chunk * tokens_per_frame,
        keys=(config.max_context_frames + filled) * tokens_per_frame,
    )


def _buffer_shape(config: StudentConfig, tokens_per_frame: int, batch: int) -> tuple[int, ...]:
    frames = config.max_context_frames + config.local_window_frames
    return 2, batch, frames * tokens_per_frame, config.num_heads, config.head_dim
