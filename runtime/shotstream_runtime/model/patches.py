# SPDX-License-Identifier: Apache-2.0
"""Latents to tokens and back: what an engine that is handed tokens does around its passes."""

from __future__ import annotations

from torch import Tensor

from shotstream_runtime.model.config import StudentConfig


def to_patches(latents: Tensor, config: StudentConfig) -> Tensor:
    """Cuts latents into the patches of their tokens.

    Args:
        latents: ``[b, f, in_dim, h, w]``.
        config: Says how large a patch is.

    Returns:
        ``[b, f, tokens, in_dim x patch rows x patch columns]``, numbers ordered (channel, row, column): the
        order of the patch embedding's weight.
    """
    _, rows, columns = config.patch_size
    patches = latents.unflatten(-2, (-1, rows)).unflatten(-1, (-1, columns))
    # [b, f, c, h/r, r, w/s, s] -> [b, f, h/r, w/s, c, r, s]
    cut: Tensor = patches.permute(0, 1, 3, 5, 2, 4, 6).flatten(4).flatten(2, 3)
    return cut


def from_patches(numbers: Tensor, config: StudentConfig, height: int, width: int) -> Tensor:
    """Puts the numbers of the last layer together to latents.

    Args:
        numbers: ``[b, f, tokens, patch numbers]``, ordered (row, column, channel).
        config: Says how large a patch is.
        height: Latent rows.
        width: Latent columns.

    Returns:
        ``[b, f, out_dim, h, w]``.
    """
    _, rows, columns = config.patch_size
    grid = numbers.unflatten(-1, (rows, columns, config.out_dim))
    grid = grid.unflatten(2, (height // rows, width // columns))
    latents: Tensor = grid.permute(0, 1, 6, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)
    return latents
