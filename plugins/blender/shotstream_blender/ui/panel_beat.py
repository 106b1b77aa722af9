# SPDX-License-Identifier: GPL-3.0-or-later
"""The active beat."""

import bpy

from .. import generating, scenes, story, story_text, thumbnails
from . import places

TEXT_LINES = 6
"""Of a text that has no room in its field."""


class BeatPanel:
    """The active beat"""

    bl_label = "Beat"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is one."""
        return story.active_beat(scenes.scene_of(context).shotstream) is not None

    def _length(self, held: story.ShotStreamStory, beats: list, item: story.ShotStreamBeat) -> str:
        """How long the beat will be, in words."""
        index = beats.index(item)
        chunks = story.shot_chunks(held, beats)[index]
        seconds = story_text.seconds_of(chunks, held.fps or story_text.FPS, begins_shot=index == 0)
        return f"{seconds:.1f} s" if item.chunks else f"{chunks} = {seconds:.1f} s"

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        held = scenes.scene_of(context).shotstream
        item = story.active_beat(held)
        layout = self.layout
        picture = thumbnails.icon(item)
        if picture:
            layout.template_icon(picture, scale=5.0)
        row = layout.row(align=True)
        row.prop(item, "text", text="")
        row.operator("shotstream.text_edit", text="", icon="GREASEPENCIL").what = "beat"
        if len(item.text) > places.characters(context):
            places.lines(layout, item.text, context, most=TEXT_LINES)
        # Names beside the fields would leave no room for what is in them.
        row = layout.row()
        row.enabled = held.active > 0
        row.prop(item, "mode", expand=True)
        beats = story.shot_beats(held, held.active)
        row = layout.row(align=True)
        row.prop(item, "chunks")
        row.label(text=self._length(held, beats, item))
        layout.prop(item, "policy")
        self._draw_state(context, held)
        row = layout.row(align=True)
        row.operator("shotstream.regenerate_shot", icon="FILE_REFRESH")
        row.operator("shotstream.direct_beat", icon="FORWARD")
        self._draw_history(context, held, beats[0])

    def _draw_history(
        self, context: bpy.types.Context, held: story.ShotStreamStory, cut: story.ShotStreamBeat
    ) -> None:
        """Says beforehand what else is made if the active beat's shot is."""
        again = {(item.take, item.shot) for item in generating.made_again(held, cut) if item.state == "done"}
        if again and cut.state not in {"queued", "generating"}:
            shots = "the shot" if len(again) == 1 else f"the {len(again)} shots"
            text = (
                f"To make this shot, {shots} before it must be made again first, as its history: these are "
            )
            text += "not kept, and nothing of the others changes"
            places.lines(self.layout, text, context, icon="INFO")

    def _draw_state(self, context: bpy.types.Context, held: story.ShotStreamStory) -> None:
        item, layout = story.active_beat(held), self.layout
        if item.state == "generating":
            layout.progress(text=f"Generating, {item.frames} frames", factor=item.progress)
        elif item.state == "queued":
            layout.label(text="Waits for its turn", icon="TIME")
        elif item.state == "failed":
            box = layout.box()
            box.alert = True
            places.lines(box, item.reason or "failed", context, icon="ERROR")
        elif item.state == "done":
            cuts = [shot[0].uid for shot in story.each_shot(held)]
            number = 1 + cuts.index(story.shot_beats(held, held.active)[0].uid)
            text = f"Shot {number}, {item.frames} frames"
            layout.label(text=text, icon="CHECKMARK")
            if changed := story.changed_since(held, held.active):
                layout.label(text=changed, icon="FILE_REFRESH")
        if item.reason and item.state in {"generating", "done"}:
            places.lines(layout, item.reason, context, icon="INFO")


CLASSES = places.both(BeatPanel, "beat", parent="story")
