# SPDX-License-Identifier: GPL-3.0-or-later
"""The story, its beats, and the buttons that generate them."""

import bpy

from .. import live, scenes
from ..connection import Link
from ..local_server import ServerPhase
from . import connection_box, places, progress, strip_messages

CAPTION_LINES = 3
"""Of a caption that has no room in its field."""
FIELD = 0.5
"""What part of the panel's width a field has beside its name."""


class StoryPanel:
    """The story of the scene"""

    bl_label = "Story"

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        scene = scenes.scene_of(context)
        held, now, layout = scene.shotstream, live.studio(), self.layout
        words, icon = places.connection_words()
        layout.label(text=words, icon=icon)
        self._draw_messages(context, held, now)
        strip_messages.draw(layout, context, scene)
        if not now.connection.online:
            connection_box.draw(layout.box(), context)
        elif now.connection.link is Link.LOST and not now.server.alive:
            layout.operator("shotstream.server_start", text="Start Server on This Machine", icon="PLAY")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(held, "title")
        row = column.row(align=True)
        row.prop(held, "global_caption")
        row.operator("shotstream.text_edit", text="", icon="GREASEPENCIL").what = "caption"
        if len(held.global_caption) > places.characters(context) * FIELD:
            places.lines(column, held.global_caption, context, most=CAPTION_LINES)
        column.prop(held, "seed")
        if held.width:
            row = column.split(factor=0.4)
            row.alignment = "RIGHT"
            row.label(text="Size")
            row.label(text=f"{held.width} x {held.height} at {held.fps:g} fps")
        self._draw_beats(held)
        self._draw_buttons(held, now)

    def _draw_messages(self, context: bpy.types.Context, held: bpy.types.PropertyGroup, now) -> None:
        died = now.server.message if now.server.phase is ServerPhase.DIED else ""
        messages = [text for text in (now.connection.message, now.message, died) if text]
        for message in messages:
            places.lines(self.layout.box(), message, context, icon="ERROR")
        failed = [(n, item) for n, item in enumerate(held.beats, start=1) if item.state == "failed"]
        said = " ".join(messages).lower()
        told = [(n, item) for n, item in failed if item.reason.lower() not in said or not item.reason]
        if told:
            number, item = told[0]
            more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
            text = f"Beat {number} failed: {item.reason or 'no reason is known'}{more}"
            places.lines(self.layout.box(), text, context, icon="ERROR")

    def _draw_beats(self, held: bpy.types.PropertyGroup) -> None:
        row = self.layout.row()
        row.template_list("SHOTSTREAM_UL_beats", "", held, "beats", held, "active", rows=5)
        tools = row.column(align=True)
        tools.operator("shotstream.beat_add", text="", icon="ADD")
        tools.operator("shotstream.beat_remove", text="", icon="REMOVE")
        tools.separator()
        tools.operator("shotstream.beat_move", text="", icon="TRIA_UP").direction = "UP"
        tools.operator("shotstream.beat_move", text="", icon="TRIA_DOWN").direction = "DOWN"
        tools.separator()
        tools.operator("shotstream.beat_duplicate", text="", icon="DUPLICATE")
        row = self.layout.row(align=True)
        row.operator("shotstream.beats_from_text", text="From Text", icon="TEXT")
        row.operator("shotstream.beats_from_markers", text="From Markers", icon="MARKER_HLT")

    def _draw_buttons(self, held: bpy.types.PropertyGroup, now) -> None:
        column = self.layout.column(align=True)
        row = column.row(align=True)
        row.scale_y = 1.3
        running = now.run is not None and now.run.running
        row.operator("shotstream.generate_all", icon="PLAY")
        stop = row.row(align=True)
        stop.enabled = running
        stop.operator("shotstream.stop", text="Stop", icon="CANCEL")
        row = column.row(align=True)
        row.operator("shotstream.generate_selected", text="Selected", icon="RESTRICT_SELECT_OFF")
        row.operator("shotstream.generate_from_here", text="From Here", icon="TRIA_RIGHT_BAR")
        if running:
            text, share = progress.words(now, held)
            self.layout.progress(text=text, factor=share)
        elif now.finisher.busy:
            left = now.finisher.left
            text = f"Saving, {left} shots to go" if left > 1 else "Saving the shot ..."
            self.layout.label(text=text, icon="FILE_TICK")


CLASSES = places.both(StoryPanel, "story")
