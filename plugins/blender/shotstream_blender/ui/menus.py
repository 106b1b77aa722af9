# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes and timelines in Blender's File menu."""

import bpy


def draw_import(self, context: bpy.types.Context) -> None:
    """Adds takes."""
    del context
    self.layout.operator("shotstream.take_import", text="ShotStream Take")


def draw_export(self, context: bpy.types.Context) -> None:
    """Adds takes and timelines."""
    del context
    self.layout.operator("shotstream.take_export", text="ShotStream Take")
    self.layout.operator("shotstream.otio_export", text="ShotStream Story as OpenTimelineIO (.otio)")


def register() -> None:
    """Adds them."""
    bpy.types.TOPBAR_MT_file_import.append(draw_import)
    bpy.types.TOPBAR_MT_file_export.append(draw_export)


def unregister() -> None:
    """Removes them."""
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
    bpy.types.TOPBAR_MT_file_export.remove(draw_export)
