# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of every beat: of its newest frames while they come, of its files afterwards."""

import os

import bpy
import bpy.utils.previews
import numpy as np

from . import story

SIDE = 96
"""Pixels of the longer side."""
LIVE = "live"
LIVE_SIDE = 208

_previews: bpy.utils.previews.ImagePreviewCollection | None = None
_shown: dict[str, int] = {}


def register() -> None:
    """Makes the collection."""
    global _previews  # noqa: PLW0603
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    """Frees the pictures."""
    global _previews  # noqa: PLW0603
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
    _shown.clear()


def offer(run, frame, pixels: np.ndarray) -> None:
    """Makes a frame the picture of its beat, unless that has a newer take's already.

    Args:
        run: The story.
        frame: The frame.
        pixels: uint8 ``[height, width, 3]``.
    """
    attempt = None if run is None else run.attempts.get(frame.header.beat_id)
    # The first frame, and one from the middle, which tells more: twice for each beat is enough.
    if attempt is None or _previews is None:
        return
    wanted = 2 if attempt.expected and attempt.received * 2 >= attempt.expected else 1
    key = attempt.id
    if _shown.get(key, 0) >= wanted:
        return
    _shown[key] = wanted
    _put(attempt.uid, pixels, SIDE)


def show_live(pixels: np.ndarray) -> None:
    """The newest frame, for the panel; uint8 ``[height, width, 3]``."""
    if _previews is not None:
        _put(LIVE, pixels, LIVE_SIDE)


def show_live_file(path: str) -> None:
    """The picture of a file instead of the newest frame, in a .blend that was opened again."""
    if _previews is not None and LIVE not in _previews and os.path.exists(path):
        _previews.load(LIVE, path, "IMAGE")


def live_icon() -> int:
    """The icon of the newest frame, 0 without one."""
    known = None if _previews is None else _previews.get(LIVE)
    return known.icon_id if known is not None else 0


def icon(item: story.ShotStreamBeat) -> int:
    """The icon of a beat's picture, 0 without one. Reads its file the first time."""
    if _previews is None or not item.uid:
        return 0
    known = _previews.get(item.uid)
    if known is None and item.pictures and item.shot_frames:
        middle = item.first_frame + item.frames // 2
        path = os.path.join(bpy.path.abspath(item.pictures), f"{middle:06d}.png")
        if os.path.exists(path):
            known = _previews.load(item.uid, path, "IMAGE")
    return known.icon_id if known is not None else 0


def forget() -> None:
    """Another file is open: its beats have pictures of their own."""
    if _previews is not None:
        _previews.clear()
    _shown.clear()


def _put(name: str, pixels: np.ndarray, longest: int) -> None:
    step = max(1, -(-max(pixels.shape[:2]) // longest))
    small = pixels[::step, ::step][::-1]
    height, width, _ = small.shape
    # Square, as icons are, with the picture in the middle.
    side = max(height, width)
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width, :3] = small
    square[top : top + height, left : left + width, 3] = 255
    preview = _previews.get(name) or _previews.new(name)
    preview.image_size = (side, side)
    preview.image_pixels.foreach_set(square.reshape(-1, 4).view(np.int32).ravel())
    preview.icon_size = (side, side)
    preview.icon_pixels.foreach_set(square.reshape(-1, 4).view(np.int32).ravel())
