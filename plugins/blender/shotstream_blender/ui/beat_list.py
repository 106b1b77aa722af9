# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of beats."""

import bpy

from .. import story, thumbnails

ICONS = {name: icon for name, _, _, icon, _ in story.STATES}


class SHOTSTREAM_UL_beats(bpy.types.UIList):
    """Beats in order, each with its picture, state and progress"""

    def draw_item(
        self,
        context,
        layout,
        data,
        item,
        icon,
        active_data,
        active_property,
        index=0,
        flag=0,
    ) -> None:
        """Draws a row."""
        row = layout.row(align=True)
        row.prop(item, "selected", text="", emboss=True)
        picture = thumbnails.icon(item)
        name = row.row(align=True)
        if item.mode == "continue" and index > 0:
            name.label(text="", icon="FORWARD")
        if picture:
            name.label(text=f"{index + 1}  {story.label(item)}", icon_value=picture)
        else:
            name.label(text=f"{index + 1}  {story.label(item)}")
        state = row.row(align=True)
        state.alignment = "RIGHT"
        state.alert = item.state == "failed"
        if item.state == "generating":
            state.label(text=f"{item.progress:.0%}", icon=ICONS["generating"])
        elif story.changed_since(data, index):
            state.label(text="", icon="FILE_REFRESH")
        else:
            state.label(text="", icon=ICONS[item.state])


CLASSES = (SHOTSTREAM_UL_beats,)
