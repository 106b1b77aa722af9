# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds a beat."""

import bpy

from .. import scenes, story


class SHOTSTREAM_OT_beat_add(bpy.types.Operator):
    """Add a beat after the active one"""

    bl_idname = "shotstream.beat_add"
    bl_label = "Add Beat"
    bl_options = {"REGISTER", "UNDO"}

    # What one beat was given is nothing that the next should begin with.
    text: bpy.props.StringProperty(name="Text", description="What is to be seen", options={"SKIP_SAVE"})
    mode: bpy.props.EnumProperty(
        name="Mode",
        description="Whether it begins a shot",
        items=story.MODES,
        default="cut",
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        index = held.active + 1 if held.beats else 0
        story.add_beat(held, self.text, mode=self.mode, index=index)
        return {"FINISHED"}
