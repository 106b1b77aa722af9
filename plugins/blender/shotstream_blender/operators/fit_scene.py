# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the scene up to render the story's strips."""

import bpy

from .. import compat, scenes, strip_marks, strip_size

READABLE_LINES = 480
"""A text laid over pictures with fewer cannot be read."""


class SHOTSTREAM_OT_fit_scene(bpy.types.Operator):
    """Give the scene the shots' size or a multiple of it, a range that holds all strips, and a view transform
    that leaves their colours as they are. Strips and texts keep their place in the picture. The frame rate
    stays"""

    bl_idname = "shotstream.fit_scene"
    bl_label = "Fit Scene to Shots"
    bl_options = {"REGISTER", "UNDO"}

    multiple: bpy.props.IntProperty(
        name="Multiple",
        description="Times the shots' size; 0: as many as are needed for 480 lines",
        min=0,
        max=100,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene = scenes.scene_of(context)
        if next(strip_marks.of_story(scene), None) is None:
            cls.poll_message_set("The story has no strips")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scenes.scene_of(context)
        held = scene.shotstream
        found = list(strip_marks.of_story(scene))
        if held.width and held.height:
            times = self.multiple or -(-READABLE_LINES // held.height)
            strip_size.resize_scene(scene, held.width * times, held.height * times)
        scene.frame_start = max(0, min(compat.left(strip) for strip in found))
        scene.frame_end = max(compat.right(strip) for strip in found) - 1
        scene.render.use_sequencer = True
        scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
        try:
            scene.view_settings.view_transform = "Standard"
            scene.view_settings.look = "None"
        except TypeError:
            self.report(
                {"WARNING"},
                "Blender's colour configuration (OCIO) has no view transform Standard: choose one under "
                "Render > Color Management that leaves the shots' colours as they are",
            )
        self.report(
            {"INFO"},
            f"{scene.render.resolution_x} x {scene.render.resolution_y}, "
            f"frames {scene.frame_start} to {scene.frame_end}",
        )
        return {"FINISHED"}
