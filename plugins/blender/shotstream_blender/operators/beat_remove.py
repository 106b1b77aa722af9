# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a beat."""

import bpy

from .. import scenes


class SHOTSTREAM_OT_beat_remove(bpy.types.Operator):
    """Remove the active beat; its files stay on disk"""

    bl_idname = "shotstream.beat_remove"
    bl_label = "Remove Beat"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(scenes.scene_of(context).shotstream.beats)

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        held.beats.remove(held.active)
        held.active = max(0, min(held.active, len(held.beats) - 1))
        return {"FINISHED"}
