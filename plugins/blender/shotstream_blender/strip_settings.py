# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user chooses about strips, stored in the scene as ``scene.shotstream_strips``."""

import bpy
from bpy.props import BoolProperty, IntProperty, PointerProperty


class ShotStreamStrips(bpy.types.PropertyGroup):
    """How shots become strips."""

    automatic: BoolProperty(
        name="Add New Shots",
        description="Put each shot into the sequencer as soon as it is there. Otherwise: Lay Out Strips",
        default=True,
    )
    texts: BoolProperty(
        name="Beats as Text",
        description="Lay a text strip with the beat over each shot, for an animatic",
        default=False,
    )
    channel: IntProperty(
        name="Channel",
        description="Where the first strip goes; 0: the lowest channel that is empty, from the second on",
        min=0,
        max=120,
    )


CLASSES = (ShotStreamStrips,)


def register() -> None:
    """Gives every scene its settings."""
    bpy.types.Scene.shotstream_strips = PointerProperty(type=ShotStreamStrips)


def unregister() -> None:
    """Takes the property away; what is stored stays in the file."""
    del bpy.types.Scene.shotstream_strips
