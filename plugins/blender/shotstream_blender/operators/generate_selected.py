# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates the selected beats."""

import bpy

from .. import generating
from ..story import ShotStreamStory
from .of_beats import Generates


class SHOTSTREAM_OT_generate_selected(Generates, bpy.types.Operator):
    """Generate the shots of the selected beats, with the others as their history"""

    bl_idname = "shotstream.generate_selected"
    bl_label = "Generate Selected"

    def begin(self, held: ShotStreamStory) -> None:
        uids = {item.uid for item in held.beats if item.selected}
        generating.generate(held, generating.shots_of(held, uids))
