# SPDX-License-Identifier: Apache-2.0
"""What the autoencoder is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the parts, each a mean over its elements.

    Attributes:
        squared: Squared pixel error: pulls at the few large errors, small subjects above all. It has to lead:
            with absolute errors in front, differences of pixels most of all, the best answer to an outline
            that is not quite known is no outline, and small subjects lost their clothes.
        absolute: Absolute pixel error: keeps flat areas clean.
        edges: Absolute error of differences between neighbouring pixels: keeps known outlines sharp.
        motion: The same between neighbouring frames.
        divergence: KL to the unit normal per latent number. Small, but enough that a latent says no more than
            it must: the student has to predict every number, and its errors have to decode to something near.
    """

    absolute: float = 0.1
    squared: float = 1.0
    edges: float = 0.05
    motion: float = 0.0
    divergence: float = 5e-4


def reconstruction_loss(pixels: Tensor, target: Tensor, weights: LossWeights) -> Tensor:
    """Weighted reconstruction error of clips ``[b, 3, f, H, W]``."""
    error = pixels - target
    loss = weights.absolute * error.abs().mean() + weights.squared * error.square().mean()
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    loss = loss + weights.edges * edges
    if weights.motion and error.shape[2] > 1:
        loss = loss + weights.motion * error.diff(dim=2).abs().mean()
    return loss


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of the posterior from the unit normal, mean per latent number."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()


def psnr(pixels: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of clips in [-1, 1]."""
    return 10.0 * torch.log10(4.0 / (pixels.clamp(-1, 1) - target).square().mean().clamp_min(1e-12))
