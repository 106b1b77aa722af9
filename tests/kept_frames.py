# SPDX-License-Identifier: Apache-2.0
"""An observer that keeps the frames of a story that runs without sockets."""

from __future__ import annotations

from typing import Any

import numpy as np


class KeptFrames:
    """Keeps frames and passes over everything else that is told."""

    def __init__(self) -> None:
        self.pixels: list[np.ndarray] = []

    def add_frame(self, pixels: np.ndarray, **place: Any) -> None:
        self.pixels.append(pixels)

    def beat_submitted(self, *args: Any) -> None:
        pass

    beat_scheduled = beat_done = notice = beat_submitted
