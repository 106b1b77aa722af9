# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a beat while the story runs."""

import bpy

from .. import generating
from ..story import ShotStreamStory
from .of_beats import Generates


class SHOTSTREAM_OT_direct_beat(Generates, bpy.types.Operator):
    """Send the active beat into the running story now, by its policy"""

    bl_idname = "shotstream.direct_beat"
    bl_label = "Direct"

    def begin(self, held: ShotStreamStory) -> None:
        generating.direct(held, held.beats[held.active])
