# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be known of the strips, where it is seen whatever panels are closed."""

import bpy

from .. import compat, strip_marks, strip_sync, strip_times
from . import places


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    """Draws it, if there is anything."""
    if strip_sync.trouble():
        places.lines(layout.box(), strip_sync.trouble(), context, icon="ERROR")
    rate = compat.scene_rate(scene)
    others = {
        strip[strip_marks.RATE]
        for strip in strip_marks.of_story(scene)
        if not strip_times.same_rate(strip.get(strip_marks.RATE, rate), rate)
    }
    if others:
        made = ", ".join(strip_times.rate_name(other) for other in sorted(others))
        box = layout.box()
        text = f"Strips were made for {made} fps, the scene has {strip_times.rate_name(rate)}"
        places.lines(box, text, context, icon="ERROR")
        box.operator("shotstream.strips_lay_out", icon="SEQ_STRIP_META")
