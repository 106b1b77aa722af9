# SPDX-License-Identifier: Apache-2.0
"""Finding subjects by their outfits: saturated blobs on a pastel world, their hues, sizes and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..faces import LOOKS
from ..palette import LIGHT, OUTFIT_HUE
from ..spec import CharacterSpec
from ..stories import hue_distance

_MIN_SATURATION = 0.60
_MIN_VALUE = 0.33
_FUR_DISTANCE = 30.0
_MODE_HALF_WIDTH = 20.0
_SMALLEST_PART = 10
"""Pixels below which a patch of colour is noise: about a quarter of a hat in a wide shot."""

MISSING_ERROR = 180.0
"""Hue error of an outfit part that is not there."""


@dataclass(frozen=True)
class Patch:
    """Pixels of one hue: hue in degrees, how many, their centre, and the box around nearly all of them."""

    hue: float
    area: int
    x: float
    y: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Outfit:
    """A subject as seen in one frame.

    Attributes:
        coat, accessory: the lower and the upper of its two largest patches; None where there is none.
        spot: centre (x, y) of all its outfit pixels; None if nothing was found.
    """

    coat: Patch | None
    accessory: Patch | None
    spot: tuple[float, float] | None

    @property
    def area(self) -> int:
        """Pixels of both parts."""
        return sum(part.area for part in (self.coat, self.accessory) if part is not None)

    @property
    def complete(self) -> bool:
        """True if both parts were found."""
        return self.coat is not None and self.accessory is not None

    def errors(self, who: CharacterSpec) -> tuple[float, float]:
        """Hue errors in degrees of the coat and of the scarf or hat."""
        wanted = OUTFIT_HUE[who.coat], OUTFIT_HUE[who.accessory_colour]
        parts = self.coat, self.accessory
        coat, accessory = (
            MISSING_ERROR if part is None else hue_distance(part.hue, hue)
            for part, hue in zip(parts, wanted, strict=True)
        )
        return coat, accessory


def outfit_pixels(
    frame: NDArray[np.uint8], kinds: tuple[str, ...], time: str
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Where a frame is as saturated as outfits are.

    Args:
        frame: uint8 [H, W, 3]. kinds: who is expected; fur, beaks and the like of these kinds are left out.
        time: time of day.

    Returns:
        Mask [H, W] and hue in degrees [H, W].
    """
    hsv: NDArray[Any] = cv2.cvtColor(frame.astype(np.float32) / 255.0, cv2.COLOR_RGB2HSV)
    mask: NDArray[np.bool_] = (hsv[..., 1] >= _MIN_SATURATION) & (hsv[..., 2] >= _MIN_VALUE)
    for kind in set(kinds):
        for colour in (LOOKS[kind].skin, LOOKS[kind].limbs):
            fur = np.array(colour, np.float32) * LIGHT[time]
            mask &= np.abs(frame - fur).sum(axis=-1) > _FUR_DISTANCE * 1.7
    return mask, hsv[..., 0]


def find_outfits(frame: NDArray[np.uint8], kinds: tuple[str, ...], time: str) -> list[Outfit]:
    """The outfits of the `len(kinds)` subjects (one or two) of a frame, from left to right."""
    mask, hue = outfit_pixels(frame, kinds, time)
    if len(kinds) == 1:
        return [_dress(mask, hue)]
    split = _split_column(mask)
    left, right = mask.copy(), mask.copy()
    left[:, split:] = False
    right[:, :split] = False
    return [_dress(left, hue), _dress(right, hue)]


def _split_column(mask: NDArray[np.bool_]) -> int:
    """The column between two subjects: two means of the outfit columns."""
    weight = mask.sum(axis=0).astype(np.float64)
    if weight.sum() < 1:
        return len(weight) // 2
    xs = np.arange(len(weight), dtype=np.float64)
    split = float((weight * xs).sum() / weight.sum())
    for _ in range(12):
        left = xs < split
        if weight[left].sum() < 1 or weight[~left].sum() < 1:
            break
        a = (weight * xs)[left].sum() / weight[left].sum()
        b = (weight * xs)[~left].sum() / weight[~left].sum()
        split = float((a + b) / 2)
    return round(split)


def _dress(mask: NDArray[np.bool_], hue: NDArray[np.float32]) -> Outfit:
    patches = _patches(mask, hue)[:2]
    if not patches:
        return Outfit(None, None, None)
    ys, xs = np.nonzero(mask)
    spot = float(np.median(xs)), float(np.median(ys))
    if len(patches) == 1:
        return Outfit(patches[0], None, spot)
    upper, lower = sorted(patches, key=lambda p: p.y)
    return Outfit(lower, upper, spot)


def _patches(mask: NDArray[np.bool_], hue: NDArray[np.float32]) -> list[Patch]:
    """Hue modes of the masked pixels, the largest first."""
    ys, xs = np.nonzero(mask)
    hues = hue[ys, xs].astype(np.float64)
    patches: list[Patch] = []
    while len(hues) >= _SMALLEST_PART and len(patches) < 4:
        counts, _ = np.histogram(hues, bins=72, range=(0.0, 360.0))
        smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
        peak = (int(np.argmax(smooth)) + 0.5) * 5.0
        offset = (hues - peak + 180.0) % 360.0 - 180.0
        mine = np.abs(offset) <= _MODE_HALF_WIDTH
        if mine.sum() >= _SMALLEST_PART:
            # The median of one patch: blended edge pixels do not move it.
            y = ys[mine]
            patches.append(
                Patch(
                    hue=float((peak + np.median(offset[mine])) % 360.0),
                    area=int(mine.sum()),
                    x=float(xs[mine].mean()),
                    y=float(y.mean()),
                    top=float(np.quantile(y, 0.03)),
                    bottom=float(np.quantile(y, 0.97)),
                )
            )
        ys, xs, hues = ys[~mine], xs[~mine], hues[~mine]
        if mine.sum() < _SMALLEST_PART:
            break
    return sorted(patches, key=lambda p: -p.area)
