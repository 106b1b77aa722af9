# SPDX-License-Identifier: GPL-3.0-or-later
"""Duplicates a beat."""

import bpy

from .. import scenes, story


class SHOTSTREAM_OT_beat_duplicate(bpy.types.Operator):
    """Add a draft with the text and settings of the active beat after it"""

    bl_idname = "shotstream.beat_duplicate"
    bl_label = "Duplicate Beat"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(scenes.scene_of(context).shotstream.beats)

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        source = held.beats[held.active]
        text, mode, policy, chunks = source.text, source.mode, source.policy, source.chunks
        copy = story.add_beat(held, text, mode=mode, index=held.active + 1)
        copy.policy, copy.chunks = policy, chunks
        return {"FINISHED"}
