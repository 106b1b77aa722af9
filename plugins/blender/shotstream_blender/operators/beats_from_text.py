# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats from a Text data-block."""

import bpy

from .. import scenes, story, story_text


class SHOTSTREAM_OT_beats_from_text(bpy.types.Operator):
    """Add a beat for every paragraph of a text; one that begins with > continues the shot before"""

    bl_idname = "shotstream.beats_from_text"
    bl_label = "Beats from Text"
    bl_options = {"REGISTER", "UNDO"}

    text: bpy.props.StringProperty(name="Text", description="Name of the text")
    replace: bpy.props.BoolProperty(
        name="Replace All Beats",
        description="Remove the beats that are there first",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not bpy.data.texts:
            cls.poll_message_set("There is no text: write one in the Text Editor")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.text not in bpy.data.texts:
            self.text = bpy.data.texts[0].name
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop_search(self, "text", bpy.data, "texts")
        self.layout.prop(self, "replace")

    def execute(self, context: bpy.types.Context) -> set[str]:
        source = bpy.data.texts.get(self.text)
        if source is None:
            self.report({"ERROR"}, f"There is no text named {self.text!r}")
            return {"CANCELLED"}
        beats = story_text.paragraphs(source.as_string())
        if not beats:
            self.report({"ERROR"}, f"{self.text} has no paragraph")
            return {"CANCELLED"}
        held = scenes.story_of(context)
        if self.replace:
            held.beats.clear()
        for text, mode in beats:
            story.add_beat(held, text, mode=mode)
        self.report({"INFO"}, f"{len(beats)} beat{'s' * (len(beats) != 1)} from {self.text}")
        return {"FINISHED"}
