# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips: how shots come into the sequencer, and the story out of it."""

import bpy

from .. import compat, scenes, strip_marks, strip_sync, strip_times
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
        row = layout.row()
        row.use_property_split = True
        row.use_property_decorate = False
        row.prop(chosen, "channel")
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
        if strip_sync.trouble():
            places.lines(layout.box(), strip_sync.trouble(), context, icon="ERROR")
        if strip_sync.is_busy():
            left = strip_sync.left()
            what = f"{left} shots come" if left > 1 else "A shot comes"
            layout.label(text=f"{what} into the sequencer ...", icon="SORTTIME")
        rate = compat.scene_rate(scene)
        others = {
            strip[strip_marks.RATE]
            for strip in strip_marks.of_story(scene)
            if not strip_times.same_rate(strip.get(strip_marks.RATE, rate), rate)
        }
        if others:
            made = ", ".join(strip_times.rate_name(other) for other in sorted(others))
            now = strip_times.rate_name(rate)
            text = f"Strips were made for {made} fps, the scene has {now}: Lay Out Strips"
            places.lines(layout.box(), text, context, icon="ERROR")


CLASSES = places.both(StripsPanel, "strips")
