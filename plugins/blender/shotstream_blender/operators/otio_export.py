# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the story's strips as an OpenTimelineIO timeline."""

from pathlib import Path

import bpy

from .. import otio_export, scenes, strip_content, strip_marks
from .of_beats import NeedsBeats


class SHOTSTREAM_OT_otio_export(NeedsBeats, bpy.types.Operator):
    """Write the story's strips as they lie in the sequencer, with their beats, as an OpenTimelineIO timeline;
    without strips, its shots as they will be"""

    bl_idname = "shotstream.otio_export"
    bl_label = "Export OpenTimelineIO"

    filepath: bpy.props.StringProperty(name="File", description="The timeline", subtype="FILE_PATH")
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    filter_glob: bpy.props.StringProperty(default="*.otio", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = bpy.path.ensure_ext(
                bpy.path.display_name_from_filepath(bpy.data.filepath) or "story", ".otio"
            )
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scenes.scene_of(context)
        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), ".otio"))
        try:
            count = otio_export.write(scene, path)
        except OSError as error:
            self.report({"ERROR"}, f"{path}: cannot be written: {error.strerror or error}")
            return {"CANCELLED"}
        gone = sum(not strip_content.has_file(strip) for strip in strip_marks.of_story(scene))
        if gone:
            text = f"{count} clips in {path.name}; the files of {gone} are gone: Lay Out Strips makes them"
            self.report({"WARNING"}, text)
        else:
            self.report({"INFO"}, f"{count} clips in {path.name}")
        return {"FINISHED"}
