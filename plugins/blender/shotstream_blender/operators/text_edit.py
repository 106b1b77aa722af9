# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a long text as a whole while it is written."""

import bpy

from .. import scenes, story
from ..ui import places

WIDTH = 760


class SHOTSTREAM_OT_text_edit(bpy.types.Operator):
    """Write the text in a wide window that shows all of it"""

    bl_idname = "shotstream.text_edit"
    bl_label = "Edit Text"

    what: bpy.props.EnumProperty(
        name="What",
        description="Which text is written",
        items=(
            ("beat", "Beat", "The active beat's text"),
            ("caption", "Caption", "The caption of the whole story"),
        ),
        default="beat",
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_popup(self, width=WIDTH)

    def draw(self, context: bpy.types.Context) -> None:
        holder, name = self._holder(context)
        if holder is None:
            return
        text = getattr(holder, name)
        layout = self.layout
        layout.label(text="Caption" if self.what == "caption" else "Beat", icon="TEXT")
        layout.prop(holder, name, text="")
        if text:
            places.lines(layout, text, context, width=WIDTH)
        limit = story.MAX_CAPTION if self.what == "caption" else story.MAX_TEXT
        row = layout.row()
        row.alignment, row.alert = "RIGHT", len(text) > limit
        row.label(text=f"{len(text):,} of {limit:,} characters")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return {"FINISHED"}

    def _holder(self, context: bpy.types.Context):
        held = scenes.scene_of(context).shotstream
        if self.what == "caption":
            return held, "global_caption"
        return story.active_beat(held), "text"
