# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates the story from a beat on."""

import bpy

from .. import generating, scenes


class SHOTSTREAM_OT_generate_from_here(bpy.types.Operator):
    """Generate the active beat's shot and all after it"""

    bl_idname = "shotstream.generate_from_here"
    bl_label = "Generate from Here"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).shotstream.beats:
            cls.poll_message_set("The story has no beats")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        try:
            uids = {item.uid for item in list(held.beats)[held.active :]}
            generating.generate(held, generating.shots_of(held, uids))
        except generating.CannotGenerate as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
