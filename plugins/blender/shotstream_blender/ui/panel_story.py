# SPDX-License-Identifier: GPL-3.0-or-later
"""The story, its beats, and the buttons that generate them."""

import bpy

from .. import generating, live, scenes
from ..connection import Link
from . import places


class StoryPanel:
    """The story of the scene"""

    bl_label = "Story"

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        held = scenes.scene_of(context).shotstream
        layout = self.layout
        status = layout.row(align=True)
        words, icon = places.connection_words()
        status.label(text=words, icon=icon)
        now = live.studio()
        if not now.connection.wanted and not now.connection.online:
            status.operator("shotstream.connect", text="Connect")
        for message in (now.connection.message, now.message):
            if message:
                places.lines(layout.box(), message, context, icon="ERROR")
        if now.connection.link in (Link.FAILED, Link.LOST) and not now.server.alive:
            layout.operator("shotstream.server_start", text="Start Server on This Machine", icon="PLAY")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(held, "title")
        column.prop(held, "global_caption")
        column.prop(held, "seed")
        if held.width:
            row = column.split(factor=0.4)
            row.alignment = "RIGHT"
            row.label(text="Size")
            row.label(text=f"{held.width} x {held.height} at {held.fps:g} fps")
        self._draw_beats(held)
        self._draw_buttons(held, now)

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
            waiting = sum(item.state == "queued" for item in held.beats)
            made = next((item for item in held.beats if item.state == "generating"), None)
            text = "Generating"
            history = [a for a in now.run.attempts.values() if not a.recorded and not a.complete]
            if not now.connection.ready:
                text = "Waiting for the server"
            elif history:
                text = f"Making the shots before again: {len(history)} to go"
            elif waiting:
                text = f"Generating, {waiting} waiting"
            if now.run.terms.story_uid != held.uid:
                text = f"{generating.whose(now.run, held)} is being generated"
            progress = made.progress if made else 0.0
            self.layout.progress(text=text, factor=progress)
        elif now.finisher.busy:
            left = now.finisher.left
            text = f"Saving, {left} shots to go" if left > 1 else "Saving the shot ..."
            self.layout.label(text=text, icon="FILE_TICK")


CLASSES = places.both(StoryPanel, "story")
