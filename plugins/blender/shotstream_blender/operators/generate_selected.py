# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates the selected beats."""

import bpy

from .. import generating, scenes


class SHOTSTREAM_OT_generate_selected(bpy.types.Operator):
    """Generate the shots of the selected beats, with the others as their history"""

    bl_idname = "shotstream.generate_selected"
    bl_label = "Generate Selected"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).shotstream.beats:
            cls.poll_message_set("The story has no beats")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        try:
            uids = {item.uid for item in held.beats if item.selected}
            generating.generate(held, generating.shots_of(held, uids))
        except generating.CannotGenerate as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
