# SPDX-License-Identifier: GPL-3.0-or-later
"""The live picture: the newest frame in an Image data-block, for editors, backdrops and materials."""

import bpy
import numpy as np

IMAGE = "ShotStream Live"
MARK = "shotstream_live"

_buffer: np.ndarray | None = None


def register() -> None:
    """Nothing to do."""


def unregister() -> None:
    """Frees the buffer; the image stays, as any other the user works with."""
    global _buffer  # noqa: PLW0603
    _buffer = None


def find() -> bpy.types.Image | None:
    """The image, by its mark: it may have been renamed."""
    return next((image for image in bpy.data.images if image.get(MARK)), None)


def ensure(width: int, height: int) -> bpy.types.Image:
    """The image, made or resized if need be."""
    image = find()
    if image is None:
        image = bpy.data.images.new(IMAGE, width, height, alpha=False, float_buffer=False)
        image[MARK] = True
        image.colorspace_settings.name = "sRGB"
        # It is to be saved with what shows it, and is nothing to be asked about at the end.
        image.use_fake_user = False
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    return image


def show(pixels: np.ndarray) -> bpy.types.Image:
    """Shows a frame.

    Args:
        pixels: uint8 ``[height, width, 3]``, RGB, rows from the top.
    """
    global _buffer  # noqa: PLW0603
    height, width, _ = pixels.shape
    image = ensure(width, height)
    if _buffer is None or _buffer.shape[:2] != (height, width):
        _buffer = np.ones((height, width, 4), np.float32)
    # Blender's rows run from the bottom.
    np.multiply(pixels[::-1], np.float32(1 / 255), out=_buffer[..., :3], casting="unsafe")
    image.pixels.foreach_set(_buffer.ravel())
    image.update()
    image.update_tag()
    return image


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
