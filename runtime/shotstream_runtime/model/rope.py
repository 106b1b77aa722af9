# SPDX-License-Identifier: Apache-2.0
"""Rotary position embedding with the shot-flag phase (paper section 3.2, "RoPE discontinuity")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from shotstream_runtime.model.config import StudentConfig


@dataclass(frozen=True, slots=True)
class RotaryTable:
    """Cosines and sines of every token's rotation.

    Attributes:
        cos: ``[b or 1, tokens, 1, head_dim / 2]``.
        sin: Same shape.
    """

    cos: Tensor
    sin: Tensor

    def rotate(self, x: Tensor) -> Tensor:
        """Rotates neighbouring channel pairs.

        Args:
            x: Queries or keys ``[b, tokens, heads, head_dim]``.

        Returns:
            A new tensor of the same shape and type.
        """
        if x.device.type == "cpu":
            # One complex product walks memory in order: several times as fast as the four strided ones.
            # Exporters and compilers for GPUs know no complex numbers.
            pairs = torch.view_as_complex(x.to(self.cos.dtype).unflatten(-1, (-1, 2)))
            return torch.view_as_real(pairs * torch.complex(self.cos, self.sin)).flatten(-2).to(x.dtype)
        even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
        rotated = torch.stack(
            (even * self.cos - odd * self.sin, even * self.sin + odd * self.cos), dim=-1
        ).flatten(-2)
        return rotated.to(x.dtype)


class RotaryEmbedding:
    """Builds rotary tables; the angles are computed in float64 and rounded once.

    Rows and columns count from 0 in every frame. The angle of each temporal pair is
    ``position * frequency + shot_flag * shot_phase_rad``: the phase is the same for all pairs, so a context
    frame and a frame of the current shot differ even where their distance in time is small.
    """

    def __init__(self, config: StudentConfig) -> None:
        self._phase = config.shot_phase_rad
        self._time, self._rows, self._columns = (
            self._frequencies(channels, config.rope_base) for channels in config.rope_split
        )

    @staticmethod
    def _frequencies(channels: int, base: float) -> Tensor:
        pairs = channels // 2
        # On the CPU even where the student is built on the meta device.
        exponents = torch.arange(pairs, dtype=torch.float64, device="cpu") / max(pairs, 1)
        return torch.pow(base, -exponents)

    def table(
        self,
        positions: Tensor,
        shot_flags: Tensor,
        rows: int,
        columns: int,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> RotaryTable:
        """The table for whole frames of ``rows x columns`` tokens.

        Args:
            positions: Time position of every frame, ``[f]`` or ``[b, f]``.
            shot_flags: Shot flag of every frame, same shape.
            rows: Token rows per frame.
            columns: Token columns per frame.
            device: Where the table is wanted.
            dtype: Its type; at least float32 is advised whatever the student's type.
        """
        place = self._computing_device(torch.device(device))
        if self._time.device != place:
            self._time, self._rows, self._columns = (
                part.to(place) for part in (self._time, self._rows, self._columns)
            )
        positions, shot_flags = (
            torch.atleast_2d(values.detach().to(place, torch.float64)) for values in (positions, shot_flags)
        )
        time = positions[..., None] * self._time + shot_flags[..., None] * self._phase
        vertical = torch.arange(rows, dtype=torch.float64, device=place)[:, None] * self._rows
        horizontal = torch.arange(columns, dtype=torch.float64, device=place)[:, None] * self._columns
        shape = (*positions.shape, rows, columns)
        parts = (time[:, :, None, None], vertical[None, None, :, None], horizontal[None, None, None])

        def joined(function: Callable[[Tensor], Tensor]) -> Tensor:
            # Sines and cosines of the few distinct angles first, spread over the tokens after.
            spread = [function(part).to(dtype).expand(*shape, -1) for part in parts]
            return torch.cat(spread, dim=-1).flatten(1, 3)[:, :, None, :].to(device).contiguous()

        return RotaryTable(cos=joined(torch.cos), sin=joined(torch.sin))

    def _computing_device(self, wanted: torch.device) -> torch.device:
        """Where the angles are computed, given where the table is wanted: on the host, once per chunk."""
        del wanted
        return torch.device("cpu")
