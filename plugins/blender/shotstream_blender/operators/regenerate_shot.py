# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates one shot again."""

import bpy

from .. import generating, scenes


class SHOTSTREAM_OT_regenerate_shot(bpy.types.Operator):
    """Generate the active beat's shot once more, with its neighbours as history"""

    bl_idname = "shotstream.regenerate_shot"
    bl_label = "Regenerate Shot"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).shotstream.beats:
            cls.poll_message_set("The story has no beats")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        try:
            generating.generate(held, generating.shots_of(held, {held.beats[held.active].uid}))
        except generating.CannotGenerate as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
