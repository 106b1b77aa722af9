# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates the whole story."""

import bpy

from .. import generating
from ..story import ShotStreamStory
from .of_beats import Generates


class SHOTSTREAM_OT_generate_all(Generates, bpy.types.Operator):
    """Generate every beat, as a new take"""

    bl_idname = "shotstream.generate_all"
    bl_label = "Generate All"

    def begin(self, held: ShotStreamStory) -> None:
        generating.generate_all(held)
