# SPDX-License-Identifier: Apache-2.0
"""Following subjects through a clip, and what framing their size stands for."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..spec import FRAMINGS, SUBJECT_HEIGHT
from .outfit import Outfit, find_outfits, outfit_pixels

_OUTFIT_AREA = {
    "wide": {"hat": 284.0, "scarf": 212.0},
    "medium": {"hat": 655.0, "scarf": 481.0},
    "close": {"hat": 1560.0, "scarf": 1060.0},
}
"""Typical pixels of both outfit parts, measured on rendered shots."""

_PLAUSIBLE_AREA = (0.45, 2.4)


@dataclass(frozen=True)
class Track:
    """One subject through a clip: its outfit in every frame."""

    outfits: tuple[Outfit, ...]

    @property
    def presence(self) -> float:
        """Share of frames in which both outfit parts were found."""
        return sum(outfit.complete for outfit in self.outfits) / max(1, len(self.outfits))

    def framing(self, accessory: str) -> str | None:
        """The framing its median size stands for; None if it was never whole or has no subject's size."""
        areas = [outfit.area for outfit in self.outfits if outfit.complete]
        if not areas:
            return None
        area = float(np.median(areas))
        ratios = {framing: area / _OUTFIT_AREA[framing][accessory] for framing in FRAMINGS}
        best = min(ratios, key=lambda framing: abs(float(np.log(ratios[framing]))))
        return best if _PLAUSIBLE_AREA[0] <= ratios[best] <= _PLAUSIBLE_AREA[1] else None


def follow(frames: NDArray[np.uint8], kinds: tuple[str, ...], time: str) -> tuple[Track, ...]:
    """Tracks of one or two subjects, from left to right.

    Args:
        frames: uint8 [n, H, W, 3]. kinds: who is expected. time: time of day.
    """
    seen = [find_outfits(frame, kinds, time) for frame in frames]
    return tuple(Track(tuple(outfits[place] for outfits in seen)) for place in range(len(kinds)))


def subject_areas(
    frames: NDArray[np.uint8], kinds: tuple[str, ...], time: str, framing: str
) -> NDArray[np.bool_]:
    """Where subjects may be: outfit pixels widened by a body, bool [n, H, W]."""
    height = SUBJECT_HEIGHT[framing]
    kernel = np.ones((round(0.72 * height), round(0.34 * height)), np.uint8)
    return np.stack(
        [cv2.dilate(outfit_pixels(frame, kinds, time)[0].astype(np.uint8), kernel) > 0 for frame in frames]
    )
