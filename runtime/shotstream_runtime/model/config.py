# SPDX-License-Identifier: Apache-2.0
"""Dimensions and generation constants of a student."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentConfig:
    """What a student is made of, and how it was taught to generate.

    The defaults are those of the published ShotStream student (Wan2.1-T2V-1.3B layout). Field names follow
    the published configuration where it has the field.

    Attributes:
        patch_size: Latent extent (frames, rows, columns) of one token.
        text_len: Text positions per caption; all take part in attention, padding included.
        in_dim: Latent channels read.
        out_dim: Latent channels written.
        dim: Width of the residual stream.
        ffn_dim: Width of the feed-forward layer.
        freq_dim: Number of sinusoidal time features.
        text_dim: Width of the text encoder's features.
        num_heads: Attention heads; ``dim`` is divisible by it.
        num_layers: Transformer blocks.
        eps: Epsilon of every norm.
        rope_channels: Channels of a head given to time, rows, columns. ``None`` derives the published split.
        rope_base: Base of the rotary frequencies.
        shot_phase_rad: Angle added to every temporal pair per unit of shot flag, in radian.
        frames_per_chunk: Latent frames generated together.
        max_context_frames: Condition frames in the global context cache.
        local_window_frames: Latent frames of the running shot kept in the local context cache.
        sink_frames: First latent frames of a shot which a ring never overwrites.
        timestep_shift: Shift of the flow-matching sigma table.
        denoising_steps: Positions (1000 - index) of the few steps in the sigma table.
    """

    patch_size: tuple[int, int, int] = (1, 2, 2)
    text_len: int = 512
    in_dim: int = 16
    out_dim: int = 16
    dim: int = 1536
    ffn_dim: int = 8960
    freq_dim: int = 256
    text_dim: int = 4096
    num_heads: int = 12
    num_layers: int = 30
    eps: float = 1e-6
    rope_channels: tuple[int, int, int] | None = None
    rope_base: float = 10000.0
    shot_phase_rad: float = 1.0 / 6.0
    frames_per_chunk: int = 3
    max_context_frames: int = 6
    local_window_frames: int = 21
    sink_frames: int = 0
    timestep_shift: float = 8.0
    denoising_steps: tuple[int, ...] = (1000, 740, 500, 260)

    def __post_init__(self) -> None:
        if self.dim % self.num_heads:
            raise ValueError(f"dim={self.dim} must be a multiple of num_heads={self.num_heads}")
        if self.head_dim % 2:
            raise ValueError(f"head_dim={self.head_dim} must be even for the rotary embedding")
        if self.patch_size[0] != 1:
            raise ValueError(
                f"patch_size={self.patch_size}: a token must lie in one latent frame (first entry 1)"
            )
        if self.rope_channels is not None and (
            sum(self.rope_channels) != self.head_dim or any(part % 2 for part in self.rope_channels)
        ):
            raise ValueError(
                f"rope_channels={self.rope_channels} must be even and add up to head_dim={self.head_dim}"
            )
        ring = self.local_window_frames - self.sink_frames
        if self.sink_frames % self.frames_per_chunk or ring < self.frames_per_chunk:
            raise ValueError(
                f"sink_frames={self.sink_frames} and local_window_frames={self.local_window_frames} must "
                f"leave a sink of whole chunks and room for a chunk of {self.frames_per_chunk} frames"
            )
        if not self.denoising_steps or any(not 1 <= step <= 1000 for step in self.denoising_steps):
            raise ValueError(f"denoising_steps={self.denoising_steps} must lie in 1..1000")

    @property
    def head_dim(self) -> int:
        """Channels per attention head."""
        return self.dim // self.num_heads

    @property
    def rope_split(self) -> tuple[int, int, int]:
        """Channels of a head for time, rows and columns; the published split where none is configured."""
        if self.rope_channels is not None:
            return self.rope_channels
        spatial = 2 * (self.head_dim // 6)
        return self.head_dim - 2 * spatial, spatial, spatial

    @property
    def patch_numbers(self) -> int:
        """Numbers the last layer produces per token."""
        return self.out_dim * self.patch_size[0] * self.patch_size[1] * self.patch_size[2]

    def tokens_per_frame(self, height: int, width: int) -> int:
        """Tokens of one latent frame.

        Args:
            height: Latent rows.
            width: Latent columns.

        Raises:
            ValueError: If a side is not a positive multiple of the patch.
        """
        _, rows, columns = self.patch_size
        if height < rows or width < columns or height % rows or width % columns:
            raise ValueError(
                f"latent size {height}x{width} must be positive multiples of the patch {rows}x{columns}"
            )
        return (height // rows) * (width // columns)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StudentConfig:
        """Builds a configuration from published or own field names; unrelated fields are ignored.

        Raises:
            ValueError: If a field has an impossible value.
        """
        aliases = {
            "rope_channels_t_h_w": "rope_channels",
            "shot_phase_rad_per_shot": "shot_phase_rad",
            "denoising_steps_config": "denoising_steps",
        }
        known = {field.name for field in fields(cls)}
        chosen: dict[str, Any] = {}
        for key, value in values.items():
            name = aliases.get(key, key)
            if name in known:
                chosen[name] = tuple(value) if isinstance(value, list) else value
        return cls(**chosen)

    @classmethod
    def from_json(cls, path: Path) -> StudentConfig:
        """Reads a configuration file.

        Raises:
            ValueError: If the file is not a JSON object or a field has an impossible value.
        """
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"{path}: expected a JSON object with the student's dimensions")
        return cls.from_dict(values)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain JSON values; ``from_dict`` reads it back."""
        return asdict(self)
