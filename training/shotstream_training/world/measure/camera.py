# SPDX-License-Identifier: Apache-2.0
"""What the camera does: how the background moves between frames."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_STEP = 6
_EDGE = 10.0
_PAN_PIXELS_PER_FRAME = 0.07
_PUSH_PER_FRAME = 0.0010


@dataclass(frozen=True)
class CameraMotion:
    """Mean movement of the background: pixels to the left and relative growth, both per frame."""

    pan: float
    push: float

    @property
    def move(self) -> str:
        """static, pan or push."""
        pan, push = abs(self.pan) / _PAN_PIXELS_PER_FRAME, self.push / _PUSH_PER_FRAME
        if max(pan, push) < 1.0:
            return "static"
        return "pan" if pan >= push else "push"


def camera_motion(frames: NDArray[np.uint8], subjects: NDArray[np.bool_]) -> CameraMotion:
    """Fits a shift and a growth to the optical flow of the background.

    Args:
        frames: uint8 [n, H, W, 3]. subjects: bool [n, H, W], True where subjects may be.
    """
    shifts, growths = [], []
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    height, width = grey[0].shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float64)
    xs, ys = xs - (width - 1) / 2, ys - (height - 1) / 2
    for start in range(0, len(grey) - _STEP, _STEP):
        a, b = grey[start], grey[start + _STEP]
        # The stubs want a flow to start from, which the library does not.
        flow = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 13, 3, 5, 1.1, 0)  # type: ignore[call-overload]
        edges = np.abs(cv2.Sobel(a, cv2.CV_32F, 1, 0)) > _EDGE * 4
        use = edges & ~subjects[start] & ~subjects[start + _STEP]
        if use.sum() < 60:
            continue
        dx, x = flow[..., 0][use], xs[use]
        # Robust line dx = shift + growth * x: Theil-Sen on random pairs, so that stray flow has no weight.
        rng = np.random.default_rng(0)
        i, j = rng.integers(0, len(x), 800), rng.integers(0, len(x), 800)
        far = np.abs(x[i] - x[j]) > 20
        if far.sum() < 40:
            continue
        growth = float(np.median((dx[i] - dx[j])[far] / (x[i] - x[j])[far]))
        shifts.append(-float(np.median(dx - growth * x)) / _STEP)
        growths.append(growth / _STEP)
    if not shifts:
        return CameraMotion(0.0, 0.0)
    return CameraMotion(float(np.median(shifts)), float(np.median(growths)))
