# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a take into the scene."""

from pathlib import Path

import bpy

from .. import live, scenes, strip_sync, take_import
from ..take_reading import CannotRead


class SHOTSTREAM_OT_take_import(bpy.types.Operator):
    """Bring a take into the scene, from shotstream play or render, from Unreal or from here: its beats into
    the story, its shots into the sequencer"""

    bl_idname = "shotstream.take_import"
    bl_label = "Import Take"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(
        name="Take", description="The take's manifest.json, or its folder", subtype="FILE_PATH"
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})
    replace: bpy.props.BoolProperty(
        name="Replace All Beats",
        description="Remove the beats that are there first",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not strip_sync.may_touch():
            cls.poll_message_set("Not while Blender renders, saves, or a tool moves strips")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath))
        try:
            count, same = take_import.import_take(scenes.scene_of(context), path, replace=self.replace)
        except (CannotRead, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        strip_sync.settle()
        live.ensure_timer()
        if same:
            self.report({"INFO"}, f"{count} shots")
        else:
            self.report({"WARNING"}, f"{count} shots; the story keeps its own caption and seed")
        return {"FINISHED"}
