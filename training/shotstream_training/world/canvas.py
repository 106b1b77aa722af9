# SPDX-License-Identifier: Apache-2.0
"""Antialiased flat shapes: every shape is a polygon drawn by OpenCV with sub-pixel coordinates."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from .palette import Rgb

SUPERSAMPLE = 2
_SHIFT = 4
Points = NDArray[np.float64]


def _unit_circle(n: int) -> Points:
    angles = np.arange(n) * (2 * np.pi / n)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


_CIRCLE = _unit_circle(28)
_HALF = np.stack(
    [np.cos(np.linspace(-np.pi / 2, np.pi / 2, 8)), np.sin(np.linspace(-np.pi / 2, np.pi / 2, 8))], axis=1
)


def ellipse(cx: float, cy: float, rx: float, ry: float, angle: float = 0.0) -> Points:
    """Points [28, 2] of an ellipse turned by `angle` radians."""
    points = _CIRCLE * (rx, ry)
    if angle:
        c, s = np.cos(angle), np.sin(angle)
        points = points @ np.array([[c, s], [-s, c]])
    moved: Points = points + np.array((cx, cy))
    return moved


def capsule(x0: float, y0: float, x1: float, y1: float, r0: float, r1: float) -> Points:
    """Points [16, 2] of a limb: two half circles of radius r0 and r1 joined."""
    dx, dy = x1 - x0, y1 - y0
    length = max(float(np.hypot(dx, dy)), 1e-6)
    c, s = dx / length, dy / length
    turn = np.array([[c, s], [-s, c]])
    return np.concatenate([_HALF @ turn * r1 + (x1, y1), -_HALF @ turn * r0 + (x0, y0)])


def smile(cx: float, cy: float, half: float, thickness: float) -> Points:
    """Points [18, 2] of a smiling mouth, y up."""
    u = np.linspace(-1.0, 1.0, 9)
    lower = np.stack([cx + half * u, cy - half * 0.55 * (1 - u**2)], axis=1)
    upper = lower[::-1] + np.array((0.0, thickness))
    return np.concatenate([lower, upper])


def rounded_box(cx: float, cy: float, rx: float, ry: float, power: float = 4.0) -> Points:
    """Points [28, 2] of a superellipse: a box with soft corners."""
    c = np.sign(_CIRCLE) * np.abs(_CIRCLE) ** (2.0 / power)
    return c * (rx, ry) + (cx, cy)


def poly(points: Iterable[tuple[float, float]]) -> Points:
    """Points [n, 2] from pairs."""
    return np.array(list(points), dtype=np.float64)


def fixed_point(points: Points) -> NDArray[np.int32]:
    """Output pixels to the sub-pixel integers `fill_fixed` takes, on a supersampled image."""
    return np.rint((points * SUPERSAMPLE + (SUPERSAMPLE - 1) / 2) * (1 << _SHIFT)).astype(np.int32)


def fill_fixed(image: NDArray[np.uint8], corners: NDArray[np.int32], colour: Rgb) -> None:
    """Fills a polygon given in sub-pixel integers, in place."""
    cv2.fillPoly(image, [corners], colour, cv2.LINE_AA, _SHIFT)


def fill(image: NDArray[np.uint8], points: Points, colour: Rgb) -> None:
    """Fills a polygon given in output pixels on a supersampled image, in place."""
    fill_fixed(image, fixed_point(points), colour)
