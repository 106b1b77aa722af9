# SPDX-License-Identifier: Apache-2.0
"""A small decoder for previews, in the layout of the TAEHV family's decoder for Wan 2.1 (``taew2_1``).

Written from the layout of the published file: a chain of 3x3 convolutions in which residual blocks also read
their own input of the frame before, and three steps that double rows and columns, the last two of them frames
too. It costs a small part of the full decoder, and shows softer pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .video import DecoderStream

_WIDTHS: Final = (256, 128, 64, 64)
_FRAMES_DOUBLED: Final = (False, True, True)
_RESIDUALS_PER_STAGE: Final = 3
_SQUASH: Final = 3.0


class _Squash(nn.Module):
    """Keeps latents within (-3, 3)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / _SQUASH) * _SQUASH


class _Residual(nn.Module):
    """A residual block that reads its input and that of the frame before."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _convolution(2 * width, width),
            nn.ReLU(),
            _convolution(width, width),
            nn.ReLU(),
            _convolution(width, width),
        )

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        """Frames ``[n, C, h, w]`` and, for each, the one before."""
        out: Tensor = F.relu(self.conv(torch.cat((x, before), dim=1)) + x)
        return out


class _Frames(nn.Module):
    """Gives one frame or two of each: the outputs of a 1x1 convolution, frame after frame."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width * count, 1, bias=False)
        self._width = width

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x).unflatten(1, (-1, self._width)).flatten(0, 1)
        return out


class PreviewDecoder(nn.Module):
    """The decoder; names are those of the published file.

    A `StepwiseDecoder`: latents in order, one at a time; the carried state has one frame per residual block.

    Attributes:
        latent_channels: Channels of a latent, normalised as the student makes them.
        spatial_factor: Pixels per latent, in rows and in columns.
        temporal_factor: Frames per latent after the first.
    """

    spatial_factor: int = 2 ** len(_FRAMES_DOUBLED)
    temporal_factor: int = 2 ** sum(_FRAMES_DOUBLED)

    def __init__(self, latent_channels: int = 16) -> None:
        super().__init__()
        self.latent_channels = latent_channels
        layers: list[nn.Module] = [_Squash(), _convolution(latent_channels, _WIDTHS[0]), nn.ReLU()]
        for width, following, doubled in zip(_WIDTHS, _WIDTHS[1:], _FRAMES_DOUBLED, strict=False):
            layers += [_Residual(width) for _ in range(_RESIDUALS_PER_STAGE)]
            layers += [
                nn.Upsample(scale_factor=2),
                _Frames(width, 2 if doubled else 1),
                _convolution(width, following, bias=False),
            ]
        layers += [nn.ReLU(), _convolution(_WIDTHS[-1], 3)]
        self.decoder = nn.Sequential(*layers)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return next(self.parameters()).dtype

    def load_published(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes the weights of a published file, whose encoder is left out.

        Where the file gives more frames than are made here, the last ones are taken: so it was distilled.

        Raises:
            ValueError: A tensor is missing or has another shape; names it.
        """
        state: dict[str, Tensor] = {}
        for name, own in self.state_dict().items():
            if name not in tensors:
                raise ValueError(f"tensor '{name}' is missing (expected shape {list(own.shape)})")
            given = tensors[name]
            if given.ndim == own.ndim and given.shape[1:] == own.shape[1:] and len(given) > len(own):
                given = given[-len(own) :]
            if given.shape != own.shape:
                raise ValueError(f"tensor '{name}' has shape {list(given.shape)}; expected {list(own.shape)}")
            state[name] = given
        self.load_state_dict(state, strict=True, assign=True)

    def open_decoder(self) -> DecoderStream:
        """A fresh stream, at the first latent of a shot."""
        return DecoderStream(self)

    def decoder_bytes(self, height: int, width: int) -> int:
        """See `DecoderSource.decoder_bytes`."""
        return sum(entry.nbytes for entry in self.carried_state(height, width))

    def fresh_state(self) -> list[Any]:
        """See `StepwiseDecoder.fresh_state`."""
        return [None] * (len(_FRAMES_DOUBLED) * _RESIDUALS_PER_STAGE)

    def carried_state(self, height: int, width: int) -> Sequence[Tensor]:
        """See `StepwiseDecoder.carried_state`."""
        return [
            torch.empty(1, channels, 1, height << stage, width << stage, dtype=self.dtype, device="meta")
            for stage, channels in enumerate(_WIDTHS[:-1])
            for _ in range(_RESIDUALS_PER_STAGE)
        ]

    def decode_one(self, latent: Tensor, state: list[Any], first: bool) -> Tensor:
        """See `StepwiseDecoder.decode_one`."""
        x = latent.to(self.device, self.dtype)
        if len(x) != 1:
            raise ValueError(f"latent has {len(x)} rows; the preview decoder takes one shot at a time")
        block = 0
        for layer in self.decoder:
            if isinstance(layer, _Residual):
                earlier = x.new_zeros(1, *x.shape[1:]) if state[block] is None else state[block][:, :, 0]
                before = x
                x = layer(x, torch.cat((earlier, x[:-1])))
                state[block] = before[-1:, :, None]
                block += 1
            else:
                x = layer(x)
        # A shot's first latent is one frame: the last of those it gives.
        shown = x[-1:] if first else x
        pixels: Tensor = shown.float().clamp(0.0, 1.0).mul(2).sub(1)[None]
        return pixels


def _convolution(channels: int, out: int, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1, bias=bias)
