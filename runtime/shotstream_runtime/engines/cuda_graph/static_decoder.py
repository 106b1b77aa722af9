# SPDX-License-Identifier: Apache-2.0
"""The video decoder over static buffers: one piece of work for a shot's first latent, one for all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from shotstream_runtime.codecs.frame_decoder import PendingFrames, StepwiseDecoder, to_pictures
from shotstream_runtime.engines.cuda_graph.frame_ring import FrameRing
from shotstream_runtime.engines.cuda_graph.graphs import Lane, Mark
from shotstream_runtime.engines.cuda_graph.static_inputs import fill


class StaticDecoders:
    """Decoders of a codec over static buffers.

    The buffers of a shot that ended wait for the next one: at most one set per size.

    Args:
        codec: The codec.
        lane: Decodes. It need not be joined by others.
        copies: Brings frames to main memory.
        ahead: How many latents may be under way.
    """

    def __init__(self, codec: StepwiseDecoder, lane: Lane, copies: Lane, *, ahead: int) -> None:
        self._codec, self._lane, self._copies = codec, lane, copies
        self._ahead = ahead
        self._idle: dict[tuple[int, int], DecoderBuffers] = {}

    def open_decoder(self) -> StaticDecoderStream:
        """A decoder at the first latent of a shot."""
        return StaticDecoderStream(self)

    def decoder_bytes(self, height: int, width: int) -> int:
        """See `DecoderSource.decoder_bytes`."""
        return sum(entry.nbytes for entry in self._codec.carried_state(height, width) if entry is not None)

    @property
    def idle_bytes(self) -> int:
        """Memory of the buffers that wait for the next shot."""
        # A list, as this is asked on other threads than that on which shots end.
        return sum(buffers.bytes for buffers in list(self._idle.values()))

    def release_idle(self) -> None:
        """Frees them."""
        self._idle.clear()

    def take(self, height: int, width: int) -> DecoderBuffers:
        """Buffers for latents of a size."""
        waiting = self._idle.pop((height, width), None)
        if waiting is not None:
            return waiting
        return DecoderBuffers(self._codec, self._lane, self._copies, height, width, self._ahead)

    def give_back(self, buffers: DecoderBuffers) -> None:
        """Takes the buffers of a shot that ended."""
        self._idle.setdefault(buffers.size, buffers)


class _InPlace(list[Any]):
    """A carried state whose new entries are written over the old ones, which nothing reads any more by then.

    So there is never a second state: at the published size it would take 1.9 GB.
    """

    def __setitem__(self, index: Any, entry: Any) -> None:
        buffer = self[index]
        if buffer is not None:
            buffer.copy_(entry)


class DecoderBuffers:
    """Everything of a decoder that stays at its place in memory.

    What a shot's first latent leaves of the state is padded in front with frames of zeros, so that every
    further latent finds the same shapes; it gives the same bits.
    """

    def __init__(
        self, codec: StepwiseDecoder, lane: Lane, copies: Lane, height: int, width: int, ahead: int
    ) -> None:
        device = codec.device
        self.size = (height, width)
        self._codec, self._lane = codec, lane
        self._graphs = lane.graphs()
        self._latent = torch.zeros(1, codec.latent_channels, height, width, device=device)
        self._state: list[Tensor | None] = [
            None if entry is None else torch.zeros(entry.shape, dtype=entry.dtype, device=device)
            for entry in codec.carried_state(height, width)
        ]
        rows, columns = height * codec.spatial_factor, width * codec.spatial_factor
        frames = codec.temporal_factor
        self._pixels = torch.zeros(frames, 3, rows, columns, device=device)
        self._pictures = torch.zeros(frames, rows, columns, 3, dtype=torch.uint8, device=device)
        self._ring = FrameRing(
            ahead, frames=frames, height=rows, width=columns, lane=copies, pinned=device.type == "cuda"
        )
        self._copied: Mark | None = None
        self._replays = False

    @property
    def ahead(self) -> int:
        """How many latents may be under way."""
        return self._ring.slots

    @property
    def bytes(self) -> int:
        """Memory of the carried state."""
        return sum(entry.nbytes for entry in self._state if entry is not None)

    @torch.inference_mode()
    def decode(self, latent: Tensor, *, first: bool) -> PendingFrames:
        """Queues the decoding of a latent ``[1, C, h, w]`` and the way of its frames to main memory."""
        lane = self._lane
        with lane.entered():
            fill(self._latent, latent)
        if latent.device == self._latent.device:
            lane.uses(latent)
        if self._copied is not None:
            # The frames before are still being copied out of the buffers that are written now.
            lane.follow(self._copied)
        if first:
            self._graphs.run("first", self._first)
        elif not lane.captures:
            self._graphs.run("next", self._following)
        else:
            with nullcontext() if self._replays else self._restoring():
                self._graphs.run("next", self._following_in_place)
            self._replays = True
        frames = 1 if first else len(self._pixels)
        under_way, self._copied = self._ring.bring(
            self._pixels[:frames], self._pictures[:frames], lane.mark()
        )
        return under_way

    def _first(self) -> None:
        state: list[Any] = self._codec.fresh_state()
        self._show(self._codec.decode_one(self._latent, state, first=True))
        for buffer, entry in zip(self._state, state, strict=True):
            if buffer is None:
                continue
            buffer.zero_()
            if isinstance(entry, Tensor):
                buffer[:, :, -entry.shape[2] :].copy_(entry)

    def _following(self) -> None:
        state: list[Any] = list(self._state)
        self._show(self._codec.decode_one(self._latent, state, first=False))
        for buffer, entry in zip(self._state, state, strict=True):
            if buffer is not None:
                buffer.copy_(entry)

    def _following_in_place(self) -> None:
        self._show(self._codec.decode_one(self._latent, _InPlace(self._state), first=False))

    @contextmanager
    def _restoring(self) -> Iterator[None]:
        """Keeps the state in main memory, in case that memory of the device runs out half-way.

        Only where a step runs as it stands, once: a graph takes no memory any more.
        """
        with self._lane.entered():
            kept = [None if entry is None else entry.to("cpu", copy=True) for entry in self._state]
        try:
            yield
        except BaseException:
            with self._lane.entered():
                for entry, before in zip(self._state, kept, strict=True):
                    if entry is not None and before is not None:
                        entry.copy_(before)
            raise

    def _show(self, pixels: Tensor) -> None:
        frames = pixels.shape[1]
        self._pixels[:frames].copy_(pixels[0])
        self._pictures[:frames].copy_(to_pictures(pixels[0]))


class StaticDecoderStream:
    """Decodes the latents of one shot; see `FrameDecoder`."""

    def __init__(self, source: StaticDecoders) -> None:
        self._source = source
        self._buffers: DecoderBuffers | None = None
        self._latents = 0
        self.ahead = source._ahead

    @property
    def bytes(self) -> int:
        """Memory that the carried state holds."""
        return 0 if self._buffers is None else self._buffers.bytes

    def begin(self, latent: Tensor) -> PendingFrames:
        """See `FrameDecoder.begin`."""
        shape = tuple(latent.shape)
        channels = self._source._codec.latent_channels
        if latent.ndim != 4 or shape[:2] != (1, channels):
            raise ValueError(f"latent has shape {list(shape)}; expected [1, {channels}, h, w]")
        if self._buffers is None:
            self._buffers = self._source.take(*shape[2:])
        if self._buffers.size != shape[2:]:
            raise ValueError(
                f"latent has {list(shape[2:])} rows and columns; the shot's earlier ones have "
                f"{list(self._buffers.size)}"
            )
        pending = self._buffers.decode(latent, first=self._latents == 0)
        self._latents += 1
        return pending

    def close(self) -> None:
        """Gives the buffers back."""
        if self._buffers is not None:
            self._source.give_back(self._buffers)
            self._buffers = None
