# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates the whole story."""

import bpy

from .. import generating, scenes


class SHOTSTREAM_OT_generate_all(bpy.types.Operator):
    """Generate every beat, as a new take"""

    bl_idname = "shotstream.generate_all"
    bl_label = "Generate All"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).shotstream.beats:
            cls.poll_message_set("The story has no beats")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        try:
            generating.generate_all(held)
        except generating.CannotGenerate as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
