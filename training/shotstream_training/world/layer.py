# SPDX-License-Identifier: Apache-2.0
"""One parallax layer of a backdrop while it is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import canvas
from .palette import Rgb, graded

CANVAS_WIDTH = 250
CANVAS_HEIGHT = 104
HORIZON = 58.0
"""Height of the far edge of the ground on the canvas, in output pixels from its top."""


class Layer:
    """A layer being drawn: colour and coverage together."""

    def __init__(self, time: str) -> None:
        shape = (CANVAS_HEIGHT * canvas.SUPERSAMPLE, CANVAS_WIDTH * canvas.SUPERSAMPLE, 3)
        self.time = time
        self.colour = np.zeros(shape, np.uint8)
        self.keep = np.full(shape, 255, np.uint8)

    def shape(self, points: NDArray[np.float64], colour: Rgb, *, glows: bool = False) -> None:
        """Draws a shape; `glows`: it is a light of its own and ignores the time of day."""
        canvas.fill(self.colour, points, colour if glows else graded(colour, self.time))
        canvas.fill(self.keep, points, (0, 0, 0))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Rgb, *, glows: bool = False) -> None:
        self.shape(canvas.ellipse(x, y, rx, ry), colour, glows=glows)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Rgb, *, glows: bool = False) -> None:
        self.shape(canvas.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), colour, glows=glows)

    def ridge(self, heights: NDArray[np.float64], bottom: float, colour: Rgb) -> None:
        """A smooth ridge through heights [n] spread over the canvas, filled down to `bottom`."""
        n = len(heights)
        xs = np.linspace(-2, CANVAS_WIDTH + 2, 8 * n)
        ys = np.interp(xs, np.linspace(-2, CANVAS_WIDTH + 2, n), heights)
        kernel = np.ones(9) / 9
        ys = np.convolve(np.pad(ys, 4, mode="edge"), kernel, mode="valid")
        top = np.stack([xs, ys], axis=1)
        self.shape(np.concatenate([top, [[CANVAS_WIDTH + 2, bottom], [-2, bottom]]]), colour)

    def peaks(self, points: list[tuple[float, float]], bottom: float, colour: Rgb) -> None:
        """A sharp ridge through points, filled down to `bottom`."""
        self.shape(canvas.poly([*points, (points[-1][0], bottom), (points[0][0], bottom)]), colour)
