# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a beat."""

import bpy

from .. import scenes


class SHOTSTREAM_OT_beat_move(bpy.types.Operator):
    """Move the active beat up or down"""

    bl_idname = "shotstream.beat_move"
    bl_label = "Move Beat"
    bl_options = {"REGISTER", "UNDO"}

    direction: bpy.props.EnumProperty(
        name="Direction",
        description="Where it goes",
        items=(("UP", "Up", "Earlier in the story"), ("DOWN", "Down", "Later in the story")),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(scenes.scene_of(context).shotstream.beats) > 1

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        to = held.active + (-1 if self.direction == "UP" else 1)
        if not 0 <= to < len(held.beats):
            return {"CANCELLED"}
        held.beats.move(held.active, to)
        held.active = to
        return {"FINISHED"}
