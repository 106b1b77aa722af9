# SPDX-License-Identifier: GPL-3.0-or-later
"""ShotStream in Blender: beats written in the scene become shots, live and as files."""

from . import registration


def register() -> None:
    """Called by Blender when the extension is enabled."""
    registration.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled or Blender ends."""
    registration.unregister()
