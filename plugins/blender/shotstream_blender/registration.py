# SPDX-License-Identifier: GPL-3.0-or-later
"""What is registered, in which order. Unregistering goes the other way."""

import bpy

from . import (
    handlers,
    live,
    live_picture,
    preferences,
    relocating,
    story,
    strip_settings,
    strip_sync,
    thumbnails,
)
from .operators import OPERATORS
from .ui import PANELS, menus, status_bar

CLASSES = (
    *story.CLASSES,
    *strip_settings.CLASSES,
    *preferences.CLASSES,
    *OPERATORS,
    *PANELS,
)
# Properties on Blender's own types need the classes; handlers and the timer come last, since they use all of
# it.
MODULES = (
    story,
    strip_settings,
    thumbnails,
    live_picture,
    handlers,
    relocating,
    status_bar,
    menus,
    live,
    strip_sync,
)


def register() -> None:
    """Registers everything; if a part fails, what came before it is taken back."""
    done = []
    try:
        for cls in CLASSES:
            bpy.utils.register_class(cls)
            done.append(cls)
        for module in MODULES:
            module.register()
            done.append(module)
    except BaseException:
        _take_back(done)
        raise


def unregister() -> None:
    """Takes everything back."""
    _take_back([*CLASSES, *MODULES])


def _take_back(parts: list) -> None:
    for part in reversed(parts):
        try:
            if part in MODULES:
                part.unregister()
            else:
                bpy.utils.unregister_class(part)
        except Exception as error:  # noqa: BLE001 - the rest must go all the same
            print(f"ShotStream: {part.__name__} could not be unregistered: {error}")
