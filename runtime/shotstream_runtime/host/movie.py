# SPDX-License-Identifier: Apache-2.0
"""Where a take's pictures go: an H.264 movie, or a folder of PNG files.

Both sinks write under a temporary name and are renamed by `commit`, so that a name without `.part`
always holds a complete result. Neither keeps frames in memory.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from .errors import TakeError

PixelArray = NDArray[np.uint8]
"""RGB pictures, ``[H, W, 3]`` uint8."""

# Rate factor of x264: 14 is visually lossless for generated material; small frames need it, since a
# macroblock covers a large part of a 128x80 picture.
_CONSTANT_RATE_FACTOR = "14"
# ISO/IEC 23091-2 code point of BT.709, for primaries, transfer and matrix alike.
_BT709 = 1
_VIDEO_RANGE = 1
_PICTURE_NAME = re.compile(r"\d{6,}\.png")


class FrameSink(Protocol):
    """Takes the frames of a story in order and turns them into one artefact."""

    def write(self, pixels: PixelArray, index: int) -> None:
        """Adds a frame.

        Args:
            pixels: ``[H, W, 3]`` uint8 RGB; every frame of a sink has the same size.
            index: Index of the frame in the story; larger than that of the frame before. A gap (frames
                skipped by a live watcher) stays visible in time.
        """

    def commit(self) -> Path:
        """Finishes the artefact, gives it its final name and returns that."""

    def discard(self) -> None:
        """Drops what was written."""


class MovieSink:
    """H.264 (yuv420p, BT.709, MP4) through PyAV.

    A frame's presentation time is its index divided by the frame rate. Odd edges, which yuv420p cannot
    hold, are continued by one row or column.
    """

    def __init__(self, path: Path, *, fps: float, title: str = "", comment: str = "") -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        # Rates such as 23.976 are fractions of 1001 in every container.
        self._rate = Fraction(fps).limit_denominator(1001)
        self._time_base = 1 / self._rate
        self._metadata = {"title": title, "comment": comment}
        self._open: tuple[OutputContainer, VideoStream] | None = None
        self._size: tuple[int, int] = (0, 0)

    def write(self, pixels: PixelArray, index: int) -> None:
        if self._open is None:
            self._open = self._begin(pixels)
        elif pixels.shape[:2] != self._size:
            raise TakeError(
                f"{self._path}: frame {index} is {pixels.shape[1]}x{pixels.shape[0]}, the frames before it "
                f"{self._size[1]}x{self._size[0]}; a movie needs one size"
            )
        container, stream = self._open
        height, width = self._size
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        frame.pts = index
        # Not the stream's: the muxer changes that one when it writes its header.
        frame.time_base = self._time_base
        try:
            container.mux(stream.encode(frame))
        except (OSError, av.FFmpegError) as error:
            raise TakeError(f"{self._path}: writing the movie failed: {error}") from error

    def commit(self) -> Path:
        if self._open is None:
            raise TakeError(f"{self._path}: no frame arrived, so there is no movie to write")
        container, stream = self._open
        try:
            container.mux(stream.encode(None))
            container.close()
            os.replace(self._part, self._path)
        except (OSError, av.FFmpegError) as error:
            raise TakeError(f"{self._path}: writing the movie failed: {error}") from error
        self._open = None
        return self._path

    def discard(self) -> None:
        if self._open is not None:
            with contextlib.suppress(OSError, av.FFmpegError):  # a full disk must not stop the clearing up
                self._open[0].close()
            self._open = None
        self._part.unlink(missing_ok=True)

    def _begin(self, pixels: PixelArray) -> tuple[OutputContainer, VideoStream]:
        self._size = (pixels.shape[0], pixels.shape[1])
        try:
            container = av.open(str(self._part), "w", format="mp4", options={"movflags": "faststart"})
            stream = container.add_stream("libx264", rate=self._rate)
        except (OSError, av.FFmpegError) as error:
            raise TakeError(f"{self._path}: the movie cannot be opened for writing: {error}") from error
        except ValueError as error:
            raise TakeError(
                f"{self._path}: this PyAV has no H.264 encoder (libx264): {error}. "
                "Install PyAV from its official wheels, or save pictures with --png"
            ) from error
        container.metadata.update({key: value for key, value in self._metadata.items() if value})
        stream.width = pixels.shape[1] + pixels.shape[1] % 2
        stream.height = pixels.shape[0] + pixels.shape[0] % 2
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.time_base = self._time_base
        codec.options = {"crf": _CONSTANT_RATE_FACTOR, "preset": "veryfast"}
        codec.color_range = _VIDEO_RANGE
        codec.colorspace = _BT709
        codec.color_primaries = _BT709
        codec.color_trc = _BT709
        return container, stream


def holds_only_pictures(folder: Path) -> bool:
    """Whether a folder has nothing in it but what a `PictureFolderSink` writes."""
    return all(_PICTURE_NAME.fullmatch(path.name) and path.is_file() for path in folder.iterdir())


def remove_pictures(folder: Path) -> None:
    """Removes a folder of pictures, if there is one.

    Raises:
        TakeError: It holds something else, which is left alone with all the rest.
        OSError: It cannot be removed.
    """
    if not folder.exists():
        return
    if not folder.is_dir() or not holds_only_pictures(folder):
        raise TakeError(f"{folder}: holds other things than a take's pictures; choose another place")
    shutil.rmtree(folder)


class PictureFolderSink:
    """One lossless PNG per frame, named by the frame's index in the story: ``000000.png``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._part = folder.with_name(f".{folder.name}.part")
        self._started = False

    def write(self, pixels: PixelArray, index: int) -> None:
        try:
            if not self._started:
                shutil.rmtree(self._part, ignore_errors=True)
                self._part.mkdir(parents=True)
                self._started = True
            # Level 1: a PNG of this size is dominated by its filter; higher levels cost ten times more.
            Image.fromarray(pixels).save(self._part / f"{index:06d}.png", compress_level=1)
        except OSError as error:
            raise TakeError(f"{self._folder}: writing frame {index} failed: {error}") from error

    def commit(self) -> Path:
        if not self._started:
            raise TakeError(f"{self._folder}: no frame arrived, so there are no pictures to write")
        try:
            remove_pictures(self._folder)
            os.replace(self._part, self._folder)
        except OSError as error:
            raise TakeError(f"{self._folder}: the folder cannot be replaced: {error}") from error
        self._started = False
        return self._folder

    def discard(self) -> None:
        if self._started:
            shutil.rmtree(self._part, ignore_errors=True)
            self._started = False
