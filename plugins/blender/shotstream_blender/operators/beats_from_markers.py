# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats from the timeline's markers."""

import re

import bpy

from .. import compat, scenes, story, story_text


class SHOTSTREAM_OT_beats_from_markers(bpy.types.Operator):
    """Add a beat for every marker that has a name, as long as it is to the next one. A marker without a name
    ends the beat before it"""

    bl_idname = "shotstream.beats_from_markers"
    bl_label = "Beats from Markers"
    bl_options = {"REGISTER", "UNDO"}

    replace: bpy.props.BoolProperty(
        name="Replace All Beats",
        description="Remove the beats that are there first",
        default=False,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).timeline_markers:
            cls.poll_message_set("The scene has no markers")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scenes.scene_of(context)
        if not any(_text_of(marker) for marker in scene.timeline_markers):
            self.report({"ERROR"}, "No marker has a name: give one the text of a beat (F2)")
            return {"CANCELLED"}
        held = story.of(scene)
        if self.replace:
            held.beats.clear()
        rate = compat.scene_rate(scene)
        frames = sorted({marker.frame for marker in scene.timeline_markers})
        count, open_ends = 0, 0
        for frame, end in zip(frames, [*frames[1:], scene.frame_end + 1], strict=True):
            here = [_text_of(marker) for marker in scene.timeline_markers if marker.frame == frame]
            texts = [text for text in here if text]
            for text in texts:
                item = story.add_beat(held, text)
                count += 1
                if end > frame:
                    # Those at the same frame share the time.
                    seconds = (end - frame) / rate / len(texts)
                    chunks = story_text.chunks_for(seconds, held.fps or story_text.FPS)
                    item.chunks = min(story.MAX_CHUNKS, chunks)
                else:
                    open_ends += 1
        usual = f"; {open_ends} after the scene's end, of the model's usual length" if open_ends else ""
        self.report({"INFO"}, f"{count} beat{'s' * (count != 1)} from markers{usual}")
        return {"FINISHED"}


def _text_of(marker: bpy.types.TimelineMarker) -> str:
    """What a marker says; Blender's own name for a new one, ``F_25``, says nothing."""
    name = marker.name.strip()
    return "" if re.fullmatch(r"F_-?\d+", name) else name
