# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scene's story a panel or an operator is about."""

import bpy

from . import compat, story


def scene_of(context: bpy.types.Context) -> bpy.types.Scene:
    """The sequencer's scene in the sequencer, the window's elsewhere."""
    area = getattr(context, "area", None)
    if area is not None and area.type == "SEQUENCE_EDITOR":
        return compat.sequencer_scene(context)
    return context.scene


def story_of(context: bpy.types.Context) -> story.ShotStreamStory:
    """Its story; for operators, since it gives it an ID."""
    return story.of(scene_of(context))
