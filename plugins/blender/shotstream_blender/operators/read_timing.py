# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the sequencer's timing back into the story."""

import bpy

from .. import live, scenes, story, strip_marks, strip_timing

GONE = (
    ("draft", "Make It a Draft", "The beat stays in the story, to be generated again"),
    ("remove", "Remove the Beat", "The beat goes from the story; its files stay on disk"),
    ("keep", "Keep It", "The story keeps the shot as it is"),
)


class SHOTSTREAM_OT_read_timing(bpy.types.Operator):
    """Give the story the order and the lengths that its strips have in the sequencer. Lengths are rounded to
    whole chunks; pictures change when a shot is generated again"""

    bl_idname = "shotstream.read_timing"
    bl_label = "Read Timing Back"
    bl_options = {"REGISTER", "UNDO"}

    gone: bpy.props.EnumProperty(
        name="Shots Without a Strip",
        description="What becomes of a shot whose strip was removed",
        items=GONE,
        default="draft",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene = scenes.scene_of(context)
        if next(strip_marks.of_story(scene), None) is None:
            cls.poll_message_set("The story has no strips")
            return False
        run = live.studio().run
        if run is not None and run.running and run.terms.story_uid == scene.shotstream.uid:
            cls.poll_message_set("Not while the story is generated")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if strip_timing.read(scenes.scene_of(context)).gone:
            return context.window_manager.invoke_props_dialog(self, width=360)
        return self.execute(context)

    def draw(self, context: bpy.types.Context) -> None:
        held = scenes.scene_of(context).shotstream
        column = self.layout.column()
        column.label(text="These shots have no strip any more:")
        for uid in strip_timing.read(scenes.scene_of(context)).gone:
            item = story.beat(held, uid)
            if item is not None:
                column.label(text=story.label(item), icon="DOT")
        column.prop(self, "gone", text="")

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scenes.scene_of(context)
        said = strip_timing.apply(scene, strip_timing.read(scene), self.gone)
        if left := len(strip_marks.left_over(scene)):
            said.append(f"{left} strips belong to removed beats (Lay Out Strips takes them away)")
        self.report(
            {"INFO"}, "Read back: " + "; ".join(said) if said else "The story has this timing already"
        )
        return {"FINISHED"}
