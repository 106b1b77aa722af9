# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops generating."""

import bpy

from .. import generating, live


class SHOTSTREAM_OT_stop(bpy.types.Operator):
    """End the running beat at its next chunk and take back those that wait; what came is kept"""

    bl_idname = "shotstream.stop"
    bl_label = "Stop"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return live.studio().run is not None and live.studio().run.running

    def execute(self, context: bpy.types.Context) -> set[str]:
        generating.stop()
        return {"FINISHED"}
