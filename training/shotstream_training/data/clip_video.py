# SPDX-License-Identifier: Apache-2.0
"""Chosen frames of video files, scaled to a training size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]


class VideoTooShort(ValueError):
    """A video ends before a frame that is wanted.

    Args:
        path: The file.
        frames: Frames it has.
        wanted: The first index that is missing.
    """

    def __init__(self, path: Path, frames: int, wanted: int) -> None:
        super().__init__(f"{path.name} ends after {frames} frames; frame {wanted} is missing")
        self.frames = frames


@dataclass(frozen=True, slots=True)
class FrameSize:
    """The size of training pictures: a frame is scaled until it covers it, and the middle is kept.

    Attributes:
        width: Pixels per row.
        height: Rows.
    """

    width: int
    height: int

    def covering(self, width: int, height: int) -> tuple[int, int]:
        """Size to which a picture is scaled before its middle is cut out."""
        scale = max(self.width / width, self.height / height)
        return max(self.width, round(width * scale)), max(self.height, round(height * scale))


def read_frames(path: Path, indices: Sequence[int], size: FrameSize) -> Pictures:
    """Reads frames by their number in presentation order.

    Args:
        path: A video file.
        indices: Frame numbers from 0, any order, repeats allowed.
        size: Size of the result.

    Returns:
        RGB pictures ``[n, height, width, 3]``, uint8.

    Raises:
        VideoTooShort: If the video ends before a wanted frame.
        OSError: If the file cannot be decoded (PyAV's errors are OSErrors or ValueErrors).
    """
    wanted = set(indices)
    last = max(wanted)
    found: dict[int, Pictures] = {}
    count = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        # Counted from the start: seeking by time stamp hits the wrong frame where rates vary.
        for frame in container.decode(stream):
            if count in wanted:
                found[count] = _fitted(frame, size)
            count += 1
            if count > last:
                break
    if count <= last:
        raise VideoTooShort(path, count, min(index for index in wanted if index >= count))
    return np.stack([found[index] for index in indices])


def _fitted(frame: av.VideoFrame, size: FrameSize) -> Pictures:
    width, height = size.covering(frame.width, frame.height)
    smaller = width < frame.width
    scaled = frame.reformat(
        width, height, "rgb24", interpolation=Interpolation.AREA if smaller else Interpolation.BICUBIC
    ).to_ndarray()
    top, left = (height - size.height) // 2, (width - size.width) // 2
    return np.ascontiguousarray(scaled[top : top + size.height, left : left + size.width])
