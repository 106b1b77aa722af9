# SPDX-License-Identifier: GPL-3.0-or-later
"""The active beat."""

import bpy

from .. import scenes, story, story_text, thumbnails
from . import places


class BeatPanel:
    """The active beat"""

    bl_label = "Beat"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is one."""
        return story.active_beat(scenes.scene_of(context).shotstream) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        held = scenes.scene_of(context).shotstream
        item = story.active_beat(held)
        layout = self.layout
        picture = thumbnails.icon(item)
        if picture:
            layout.template_icon(picture, scale=5.0)
        layout.prop(item, "text", text="")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        row = column.row()
        row.enabled = held.active > 0
        row.prop(item, "mode", expand=True)
        length = "Chunks (0: default)"
        if item.chunks:
            begins = item.mode == "cut" or held.active == 0
            seconds = story_text.seconds_of(item.chunks, held.fps or story_text.FPS, begins_shot=begins)
            length = f"Chunks ({seconds:.1f} s)"
        column.prop(item, "chunks", text=length)
        column.prop(item, "policy")
        self._draw_state(context, item)
        row = layout.row(align=True)
        row.operator("shotstream.regenerate_shot", icon="FILE_REFRESH")
        row.operator("shotstream.direct_beat", icon="FORWARD")

    def _draw_state(self, context: bpy.types.Context, item: story.ShotStreamBeat) -> None:
        layout = self.layout
        if item.state == "generating":
            layout.progress(text=f"Generating, {item.frames} frames", factor=item.progress)
        elif item.state == "queued":
            layout.label(text="Waits for its turn", icon="TIME")
        elif item.state == "failed":
            box = layout.box()
            box.alert = True
            places.lines(box, item.reason or "failed", context, icon="ERROR")
        elif item.state == "done":
            text = f"Shot {item.shot + 1}, {item.frames} frames"
            layout.label(text=text, icon="CHECKMARK")
            if changed := story.changed_since(item):
                layout.label(text=changed, icon="FILE_REFRESH")
        if item.reason and item.state in {"generating", "done"}:
            places.lines(layout, item.reason, context, icon="INFO")


CLASSES = places.both(BeatPanel, "beat", parent="story")
