# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates one shot again."""

import bpy

from .. import generating
from ..story import ShotStreamStory
from .of_beats import Generates


class SHOTSTREAM_OT_regenerate_shot(Generates, bpy.types.Operator):
    """Generate the active beat's shot once more, with its neighbours as history"""

    bl_idname = "shotstream.regenerate_shot"
    bl_label = "Regenerate Shot"

    def begin(self, held: ShotStreamStory) -> None:
        generating.generate(held, generating.shots_of(held, {held.beats[held.active].uid}))
