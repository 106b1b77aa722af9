# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the story into the sequencer."""

import bpy

from .. import live, scenes, strip_sync, strips


class SHOTSTREAM_OT_strips_lay_out(bpy.types.Operator):
    """Put every shot into the sequencer in the story's order, one behind the other. Strips that are there are
    moved and keep their trims; those that were removed, or were made for another frame rate, are made
    again; those of removed beats go"""

    bl_idname = "shotstream.strips_lay_out"
    bl_label = "Lay Out Strips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(item.pictures for item in scenes.scene_of(context).shotstream.beats):
            cls.poll_message_set("No shot was generated yet")
            return False
        if not strip_sync.may_touch():
            cls.poll_message_set("Not while Blender renders, saves, or a tool moves strips")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        scenes.story_of(context)  # of a copied scene it is another story from now on
        gone = strips.remove_left_over(scenes.scene_of(context))
        asked = strip_sync.lay_out(scenes.scene_of(context))
        strip_sync.settle()
        live.ensure_timer()
        left = f"; {gone} strips of removed beats are gone" if gone else ""
        if strip_sync.is_busy():
            said = f"{asked} shots are new or changed; laid out once their movies are made"
        else:
            said = f"{asked} shots new or changed, {strip_sync.moved()} moved"
        self.report({"INFO"}, said + left)
        return {"FINISHED"}
