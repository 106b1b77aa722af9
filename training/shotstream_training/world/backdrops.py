# SPDX-License-Identifier: Apache-2.0
"""Eight settings in three parallax layers, drawn once per shot on a canvas larger than the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .layer import Layer
from .scenery import PAINTERS

PARALLAX = (0.25, 0.60, 1.0)
"""How much of the camera's movement the far, middle and near layer follow."""


@dataclass(frozen=True)
class Backdrop:
    """Layers of one setting at one time of day.

    Attributes:
        far: uint8 [2 CANVAS_HEIGHT, 2 CANVAS_WIDTH, 3].
        middle, near: the same with a fourth channel, 255 where what is behind shows;
            colours are premultiplied.
    """

    far: NDArray[np.uint8]
    middle: NDArray[np.uint8]
    near: NDArray[np.uint8]


def paint_backdrop(setting: str, time: str, seed: int) -> Backdrop:
    """Draws a setting; the same (setting, time, seed) gives the same place.

    Args:
        setting: one of `spec.SETTINGS`. time: one of `spec.TIMES`.
        seed: where trees, houses and clouds stand.
    """
    rng = np.random.default_rng(seed)
    layers = (Layer(time), Layer(time), Layer(time))
    PAINTERS[setting](*layers, rng)
    return Backdrop(
        layers[0].colour,
        np.dstack([layers[1].colour, layers[1].keep[..., 0]]),
        np.dstack([layers[2].colour, layers[2].keep[..., 0]]),
    )


def compose(
    backdrop: Backdrop, views: tuple[NDArray[np.float64], ...], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """One supersampled background picture, uint8 [2 H, 2 W, 3].

    Args:
        backdrop: the layers.
        views: for each layer the 2x3 matrix from picture to canvas (supersampled pixels).
        size: (2 W, 2 H).
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    edge = cv2.BORDER_REPLICATE
    picture: NDArray[Any] = cv2.warpAffine(backdrop.far, views[0], size, flags=flags, borderMode=edge)
    for layer, view in ((backdrop.middle, views[1]), (backdrop.near, views[2])):
        warped = cv2.warpAffine(layer, view, size, flags=flags, borderMode=edge)
        keep = cv2.cvtColor(cv2.extractChannel(warped, 3), cv2.COLOR_GRAY2RGB)
        picture = cv2.add(
            cv2.multiply(picture, keep, scale=1 / 255), cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB)
        )
    return picture
