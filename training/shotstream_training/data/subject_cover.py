# SPDX-License-Identifier: Apache-2.0
"""Where a shot's latents show its cast, from the renderer's ground truth.

A small figure fills a twentieth of a wide shot's latents, and a loss that counts all of them alike spends its
steps on scenery. Losses that know where the cast is can give it a share of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, where

from shotstream_training.data.rendered_story import FRAMES_PER_LATENT
from shotstream_training.world import StorySpec, ground_truth
from shotstream_training.world.spec import HEIGHT, WIDTH

_HALF_WIDTH = 0.34
_ABOVE = 1.3
"""Of a figure's height: arms reach so far to the sides, hats and ears so far above the ground."""


def subject_cover(spec: StorySpec, shot: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """Share of each latent's pixels that lie in the box around a cast member, the largest of its frames.

    Args:
        spec: The story.
        shot: Which of its shots.
        size: Latent rows and columns.

    Returns:
        ``[latent frames, rows, columns]``, 0 to 1.
    """
    rows, columns = size
    truth = ground_truth(spec, shot)
    cover = np.zeros((1 + (len(truth) - 1) // FRAMES_PER_LATENT, rows, columns), np.float32)
    for number, frame in enumerate(truth):
        latent = cover[(number + FRAMES_PER_LATENT - 1) // FRAMES_PER_LATENT]
        for who in frame.characters:
            ground = who.ground - who.lift * who.height
            down = _overlap(ground - _ABOVE * who.height, ground, rows, HEIGHT / rows)
            across = _overlap(
                who.x - _HALF_WIDTH * who.height, who.x + _HALF_WIDTH * who.height, columns, WIDTH / columns
            )
            np.maximum(latent, np.outer(down, across), out=latent)
    return cover


def latent_weights(subject: Tensor | None, share: float) -> Tensor | float:
    """Weights of latents ``[b, f, h, w]`` whose mean over each sample is 1.

    Args:
        subject: Where the cast is, 0 to 1; none: all latents count alike.
        share: Part of each sample's weight that is spread over its cast alone.
    """
    if subject is None or not share:
        return 1.0
    mean = subject.mean(dim=(1, 2, 3), keepdim=True)
    # A sample that shows nobody has no such part.
    return where(mean > 0, 1 - share + share * subject / mean.clamp(min=1e-3), 1.0)


def _overlap(low: float, high: float, count: int, step: float) -> NDArray[np.float64]:
    """Share of each of `count` intervals of length `step` that lies between two places."""
    starts = step * np.arange(count)
    share: NDArray[np.float64] = np.clip(np.minimum(high, starts + step) - np.maximum(low, starts), 0.0, step)
    return share / step
