# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips: how shots come into the sequencer, and the story out of it."""

import bpy

from .. import scenes, strip_sync
from . import places


class StripsPanel:
    """Shots in the sequencer, and the way out of it"""

    bl_label = "Strips"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        scene = scenes.scene_of(context)
        chosen, layout = scene.shotstream_strips, self.layout
        self._draw_state(context, scene)
        column = layout.column(align=True)
        column.prop(chosen, "automatic")
        column.prop(chosen, "texts")
        column.prop(chosen, "channel", text="Channel" if chosen.channel else "Channel (0: the first empty)")
        column = layout.column(align=True)
        column.operator("shotstream.strips_lay_out", icon="SEQ_STRIP_META")
        column.operator("shotstream.read_timing", icon="TIME")
        column.operator("shotstream.fit_scene", icon="SCENE_DATA")
        column = layout.column(align=True)
        column.operator("shotstream.take_import", icon="IMPORT")
        column.operator("shotstream.take_export", icon="EXPORT")
        column.operator("shotstream.otio_export", icon="EXPORT")

    def _draw_state(self, context: bpy.types.Context, scene: bpy.types.Scene) -> None:
        layout = self.layout
        if strip_sync.is_busy():
            left = strip_sync.left()
            what = f"{left} shots come" if left > 1 else "A shot comes"
            layout.label(text=f"{what} into the sequencer ...", icon="SORTTIME")


CLASSES = places.both(StripsPanel, "strips")
