# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates the story from a beat on."""

import bpy

from .. import generating
from ..story import ShotStreamStory
from .of_beats import Generates


class SHOTSTREAM_OT_generate_from_here(Generates, bpy.types.Operator):
    """Generate the active beat's shot and all after it"""

    bl_idname = "shotstream.generate_from_here"
    bl_label = "Generate from Here"

    def begin(self, held: ShotStreamStory) -> None:
        uids = {item.uid for item in list(held.beats)[held.active :]}
        generating.generate(held, generating.shots_of(held, uids))
