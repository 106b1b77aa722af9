# SPDX-License-Identifier: GPL-3.0-or-later
"""The live picture: the newest frame in an Image data-block, for editors, backdrops and materials."""

import contextlib
import os

import bpy
import numpy as np

IMAGE = "ShotStream Live"
MARK = "shotstream_live"
BLANK = (0.2, 0.2, 0.2, 1.0)

_buffer: np.ndarray | None = None
_prepared = False


def register() -> None:
    """Nothing to do."""


def unregister() -> None:
    """Frees the buffer; the image stays, as any other the user works with."""
    global _buffer, _prepared
    _buffer, _prepared = None, False


def find() -> bpy.types.Image | None:
    """The image, by its mark: it may have been renamed."""
    return next((image for image in bpy.data.images if image.get(MARK)), None)


def ensure(width: int, height: int) -> bpy.types.Image:
    """The image, made or resized if need be."""
    image = find()
    if image is None:
        image = bpy.data.images.new(IMAGE, width, height, alpha=False, float_buffer=False)
        image[MARK] = True
        # Nothing was shown yet: black would look like a picture that is not.
        image.generated_color = BLANK
        # A studio's own colour configuration names it otherwise, and gives it to such images by itself.
        with contextlib.suppress(TypeError):
            image.colorspace_settings.name = "sRGB"
        # It is to be saved with what shows it, and is nothing to be asked about at the end.
        image.use_fake_user = False
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    return image


def prepare(pixels: np.ndarray) -> None:
    """Makes a frame ready to be shown, in a call of its own: at 832x480 that takes as long as showing it.

    Args:
        pixels: uint8 ``[height, width, 3]``, RGB, rows from the top.
    """
    global _buffer, _prepared  # noqa: PLW0603
    height, width, _ = pixels.shape
    if _buffer is None or _buffer.shape[:2] != (height, width):
        _buffer = np.ones((height, width, 4), np.float32)
    # Blender's rows run from the bottom. One channel at a time is three times as fast as all of them.
    for channel in range(3):
        np.multiply(pixels[::-1, :, channel], np.float32(1 / 255), out=_buffer[..., channel])
    _prepared = True


def show() -> bool:
    """Shows the frame that was made ready; returns whether there was one."""
    global _prepared  # noqa: PLW0603
    if not _prepared or _buffer is None:
        return False
    _prepared = False
    image = ensure(_buffer.shape[1], _buffer.shape[0])
    image.pixels.foreach_set(_buffer.ravel())
    image.update()
    image.update_tag()
    return True


def restore() -> None:
    """Shows the newest picture once more: an undo brings the image back without its pixels."""
    global _prepared  # noqa: PLW0603
    if find() is not None:
        _prepared = _buffer is not None


def fill(path: str) -> None:
    """Gives the image a picture of a file until the next frame comes: a .blend does not keep its pixels."""
    global _buffer, _prepared  # noqa: PLW0603
    # What was shown before is of another file.
    _buffer, _prepared = None, False
    image = find()
    if image is None or image.packed_file is not None or not os.path.exists(path):
        return
    source = bpy.data.images.load(path)
    try:
        width, height = source.size
        if width and height:
            values = np.empty(width * height * 4, np.float32)
            source.pixels.foreach_get(values)
            ensure(width, height).pixels.foreach_set(values)
            image.update()
            _buffer = values.reshape(height, width, 4)
    finally:
        bpy.data.images.remove(source)


def newest_file() -> str:
    """The file of the newest shot's last picture, of the stories in this .blend; empty without one."""
    made = [item for scene in bpy.data.scenes for item in scene.shotstream.beats if item.pictures]
    if not made:
        return ""
    item = max(made, key=lambda item: (item.take, item.shot, item.first_frame))
    name = f"{item.first_frame + max(0, item.frames - 1):06d}.png"
    return os.path.join(bpy.path.abspath(item.pictures), name)


def waiting() -> bool:
    """Whether a frame is ready to be shown."""
    return _prepared


def redraw() -> None:
    """Has everything drawn again that may show the image or the progress."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type in {"IMAGE_EDITOR", "SEQUENCE_EDITOR", "VIEW_3D", "NODE_EDITOR"}:
                    area.tag_redraw()
            # The status bar is no area; this draws it again. A tool that runs may have a text there.
            if not len(getattr(window, "modal_operators", ())):
                window.workspace.status_text_set_internal(None)
