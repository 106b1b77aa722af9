# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a beat while the story runs."""

import bpy

from .. import generating, scenes


class SHOTSTREAM_OT_direct_beat(bpy.types.Operator):
    """Send the active beat into the running story now, by its policy"""

    bl_idname = "shotstream.direct_beat"
    bl_label = "Direct"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).shotstream.beats:
            cls.poll_message_set("The story has no beats")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        try:
            generating.direct(held, held.beats[held.active])
        except generating.CannotGenerate as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
