# SPDX-License-Identifier: Apache-2.0
"""The drawing surface of one character: body coordinates in, outlined flat shapes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import canvas
from .motion import Pose
from .palette import Rgb, mix

_INK: Rgb = (46, 38, 56)


class Figure:
    """Maps body coordinates (feet at 0, top of the head at about 0.95, y up) to the picture and draws there.

    Shapes are collected in groups; `flush` draws the group's outline first and its fills on top, so that a
    head or an arm stands out against the body behind it.
    """

    def __init__(self, image: NDArray[np.uint8], pose: Pose, x: float, ground: float, height: float) -> None:
        self.pose = pose
        self.height = height
        self._image = image
        self._origin = np.array([x, ground])
        self._outline = max(0.42, 0.016 * height)
        c, s = np.cos(pose.lean), np.sin(pose.lean)
        stretch = 1.0 / np.sqrt(pose.squash)
        # Rows: what one unit of body x and of body y become in the picture (whose y points down).
        self._matrix = height * np.array([[c * stretch, 0.0], [s * pose.squash, -c * pose.squash]])
        self._group: list[tuple[NDArray[np.float64], Rgb, bool]] = []

    def longitude(self, degrees: float) -> tuple[float, float]:
        """Where a feature at this longitude of a turning round part is: (sideways -1..1, depth -1..1)."""
        angle = np.radians(degrees) + self.pose.yaw
        return float(np.sin(angle)), float(np.cos(angle))

    def place(self, points: NDArray[np.float64], *, lifted: bool = True) -> NDArray[np.float64]:
        """Body points to picture points."""
        placed = points @ self._matrix + self._origin
        if lifted:
            placed = placed - (0.0, self.pose.lift * self.height)
        return placed

    def add(self, points: NDArray[np.float64], colour: Rgb, *, outline: bool = True) -> None:
        """Adds a shape given in body coordinates to the current group."""
        self._group.append((self.place(points), colour, outline))

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
        """Draws the collected group."""
        for points, colour, outline in self._group:
            if outline:
                canvas.fill(self._image, canvas.grown(points, self._outline), mix(colour, _INK, 0.78))
        for points, colour, _ in self._group:
            canvas.fill(self._image, points, colour)
        self._group.clear()
