# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats from the timeline's markers."""

import bpy

from .. import scenes, story, story_text


class SHOTSTREAM_OT_beats_from_markers(bpy.types.Operator):
    """Add a beat for every marker, named as the marker; each lasts until the next one"""

    bl_idname = "shotstream.beats_from_markers"
    bl_label = "Beats from Markers"
    bl_options = {"REGISTER", "UNDO"}

    replace: bpy.props.BoolProperty(
        name="Replace All Beats", description="Remove the beats that are there first", default=False
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).timeline_markers:
            cls.poll_message_set("The scene has no markers")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scenes.scene_of(context)
        held = story.of(scene)
        if self.replace:
            held.beats.clear()
        rate = scene.render.fps / scene.render.fps_base
        markers = sorted(scene.timeline_markers, key=lambda marker: marker.frame)
        ends = [marker.frame for marker in markers[1:]] + [scene.frame_end + 1]
        for marker, end in zip(markers, ends, strict=True):
            item = story.add_beat(held, marker.name)
            if end > marker.frame:
                seconds = (end - marker.frame) / rate
                chunks = story_text.chunks_for(seconds, held.fps or story_text.FPS)
                item.chunks = min(story.MAX_CHUNKS, chunks)
        self.report({"INFO"}, f"{len(markers)} beats from markers")
        return {"FINISHED"}
