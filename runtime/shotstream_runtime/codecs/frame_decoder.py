# SPDX-License-Identifier: Apache-2.0
"""The interface of everything that turns a shot's latents into frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrames:
    """The frames of one latent, in main memory.

    Attributes:
        pixels: ``[n, 3, H, W]`` float32 in [-1, 1].
        pictures: The same as RGB8 ``[n, H, W, 3]``.
    """

    pixels: Tensor
    pictures: NDArray[np.uint8]


class PendingFrames(Protocol):
    """Frames that are being decoded, or are there already."""

    def frames(self) -> DecodedFrames:
        """Waits for them. May be called again, until the decoder has begun `ahead` further latents."""
        ...


class FrameDecoder(Protocol):
    """Decodes the latents of one shot in order.

    Attributes:
        ahead: How many latents may be begun before the frames of the first are asked for. One where decoding
            is done by whoever asks for it: then the next latent is better begun after these frames are shown.
    """

    ahead: int

    @property
    def bytes(self) -> int:
        """Memory on the device that the carried state holds."""
        ...

    def begin(self, latent: Tensor) -> PendingFrames:
        """Begins with the next latent ``[1, C, h, w]``. One that fails (out of memory) may be begun again.

        Raises:
            ValueError: The latent has another shape than the earlier ones.
        """
        ...

    def close(self) -> None:
        """Gives back what the shot's decoding holds."""
        ...


class DecoderSource(Protocol):
    """Opens decoders."""

    def open_decoder(self) -> FrameDecoder:
        """A decoder at the first latent of a shot."""
        ...

    def decoder_bytes(self, height: int, width: int) -> int:
        """Memory that a decoder of ``height x width`` latents holds from its second latent on."""
        ...


class StepwiseDecoder(Protocol):
    """Decodes latent by latent over a carried state that its caller keeps.

    Attributes:
        latent_channels: Channels of a latent.
        spatial_factor: Pixels per latent, in rows and in columns.
        temporal_factor: Frames per latent after the first; the first is one frame.
    """

    latent_channels: int
    spatial_factor: int
    temporal_factor: int

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def fresh_state(self) -> list[Any]:
        """The state before a shot's first latent."""
        ...

    def carried_state(self, height: int, width: int) -> Sequence[Tensor | None]:
        """The state from a shot's first latent of ``height x width`` on, with frames on axis 2 and no memory.

        Where `decode_one` leaves fewer frames than that, frames of zeros before them change nothing.
        """
        ...

    def decode_one(self, latent: Tensor, state: list[Any], first: bool) -> Tensor:
        """One latent ``[b, C, h, w]`` to pixels ``[b, n, 3, H, W]`` in [-1, 1].

        Args:
            latent: Normalised.
            state: Its entries are replaced, each when the old one is not read any more, never written into.
            first: Whether it is a shot's first.
        """
        ...


def to_pictures(pixels: Tensor) -> Tensor:
    """``[n, 3, H, W]`` in [-1, 1] to RGB8 ``[n, H, W, 3]``, on the same device."""
    scaled = pixels.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous()


@dataclass(frozen=True, slots=True, eq=False)
class FramesOnDevice:
    """Frames that are decoded already and are brought over when they are asked for.

    Attributes:
        pixels: ``[n, 3, H, W]`` in [-1, 1], on any device.
    """

    pixels: Tensor

    def frames(self) -> DecodedFrames:
        """See `PendingFrames.frames`."""
        pictures: NDArray[np.uint8] = to_pictures(self.pixels).cpu().numpy()
        return DecodedFrames(self.pixels.float().cpu(), pictures)
