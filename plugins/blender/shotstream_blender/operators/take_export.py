# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the story's shots as one take."""

from pathlib import Path

import bpy

from .. import scenes, take_export


class SHOTSTREAM_OT_take_export(bpy.types.Operator):
    """Write the story's shots, each whole and in the story's order, as one take: a folder with pictures and a
    manifest that every ShotStream program reads"""

    bl_idname = "shotstream.take_export"
    bl_label = "Export Take"

    directory: bpy.props.StringProperty(
        name="Folder", description="The take's folder; it must not hold another take", subtype="DIR_PATH"
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not any(item.pictures for item in scenes.scene_of(context).shotstream.beats):
            cls.poll_message_set("No shot was generated yet")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(bpy.path.abspath(self.directory))
        try:
            take = take_export.export(scenes.scene_of(context).shotstream, folder)
        except take_export.CannotExport as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except OSError as error:
            self.report({"ERROR"}, f"{folder}: cannot be written: {error.strerror or error}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"{len(take.shots)} shots, {take.frames} frames in {folder}")
        return {"FINISHED"}
