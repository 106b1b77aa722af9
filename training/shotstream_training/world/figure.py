# SPDX-License-Identifier: Apache-2.0
"""The drawing surface of one character: body coordinates in, outlined flat shapes out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import canvas
from .motion import Pose
from .palette import Rgb, mix

_INK: Rgb = (46, 38, 56)


class Figure:
    """Maps body coordinates (feet at 0, top of the head at about 0.95, y up) to the picture and draws there.

    Shapes are collected in groups, each outlined before it is filled, so that a head or an arm stands out
    against the body behind it. `draw` paints them all.
    """

    def __init__(self, image: NDArray[np.uint8], pose: Pose, x: float, ground: float, height: float) -> None:
        self.pose = pose
        self.height = height
        self._image = image
        self._origin = np.array([x, ground - pose.lift * height])
        self._outline = max(0.42, 0.016 * height)
        c, s = np.cos(pose.lean), np.sin(pose.lean)
        stretch = 1.0 / np.sqrt(pose.squash)
        # Rows: what one unit of body x and of body y become in the picture (whose y points down).
        self._matrix = height * np.array([[c * stretch, 0.0], [s * pose.squash, -c * pose.squash]])
        self._shapes: list[tuple[NDArray[np.float64], Rgb, bool]] = []
        self._group_ends: list[int] = []

    def longitude(self, degrees: float) -> tuple[float, float]:
        """Where a feature at this longitude of a turning round part is: (sideways -1..1, depth -1..1)."""
        angle = np.radians(degrees) + self.pose.yaw
        return float(np.sin(angle)), float(np.cos(angle))

    def add(self, points: NDArray[np.float64], colour: Rgb, *, outline: bool = True) -> None:
        """Adds a shape given in body coordinates to the current group."""
        self._shapes.append((points, colour, outline))

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Rgb,
        *,
        outline: bool = True,
        angle: float = 0.0,
    ) -> None:
        """Adds an ellipse."""
        self.add(canvas.ellipse(x, y, rx, ry, angle), colour, outline=outline)

    def limb(
        self, start: tuple[float, float], end: tuple[float, float], r0: float, r1: float, colour: Rgb
    ) -> None:
        """Adds a limb from `start` to `end`."""
        self.add(canvas.capsule(*start, *end, r0, r1), colour)

    def flush(self) -> None:
        """Ends the current group: what is added next is outlined against it."""
        self._group_ends.append(len(self._shapes))

    def draw(self) -> None:
        """Draws all groups in order. All corners are placed together: that is several times faster."""
        lengths = np.array([len(points) for points, _, _ in self._shapes])
        ends = np.cumsum(lengths)
        starts = ends - lengths
        corners = np.concatenate([points for points, _, _ in self._shapes]) @ self._matrix + self._origin
        arms = corners - np.repeat(np.add.reduceat(corners, starts) / lengths[:, None], lengths, axis=0)
        reach = np.maximum(np.sqrt(arms[:, 0] ** 2 + arms[:, 1] ** 2), 1e-6)
        outlines = canvas.fixed_point(corners + arms * (self._outline / reach)[:, None])
        fills = canvas.fixed_point(corners)
        first = 0
        for last in self._group_ends:
            group = range(first, last)
            for i in group:
                _, colour, outlined = self._shapes[i]
                if outlined:
                    canvas.fill_fixed(self._image, outlines[starts[i] : ends[i]], _inked(colour))
            for i in group:
                canvas.fill_fixed(self._image, fills[starts[i] : ends[i]], self._shapes[i][1])
            first = last


@lru_cache(maxsize=512)
def _inked(colour: Rgb) -> Rgb:
    return mix(colour, _INK, 0.78)
