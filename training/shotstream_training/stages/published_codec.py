# SPDX-License-Identifier: Apache-2.0
"""The runtime's video codec as training wants it: whole clips, pixels first."""

from __future__ import annotations

import torch
from shotstream_runtime.codecs.video import VideoCodec
from torch import Tensor


class StreamedCodec:
    """A `PixelCodec` over `VideoCodec`, which walks clips latent by latent: large pictures fit into memory.

    Args:
        video: The runtime's codec.
    """

    def __init__(self, video: VideoCodec) -> None:
        self.video = video

    @torch.no_grad()
    def encode(self, clips: Tensor) -> Tensor:
        """See `PixelCodec`."""
        return self.video.encode_clip(clips)

    @torch.no_grad()
    def encode_frames(self, frames: Tensor) -> Tensor:
        """See `PixelCodec`; two frames at a time."""
        return self.video.encode_frames(frames, frames_per_pass=2)

    @torch.no_grad()
    def decode(self, latents: Tensor, batch: int = 1) -> Tensor:
        """See `PixelCodec`."""
        parts = [self.video.decode_clip(part).transpose(1, 2) for part in latents.float().split(batch)]
        return torch.cat(parts)
