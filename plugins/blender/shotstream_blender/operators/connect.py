# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects to the server."""

import bpy

from .. import live


class SHOTSTREAM_OT_connect(bpy.types.Operator):
    """Connect to the server of the preferences"""

    bl_idname = "shotstream.connect"
    bl_label = "Connect"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return not live.studio().connection.wanted

    def execute(self, context: bpy.types.Context) -> set[str]:
        live.studio().connection.want()
        live.ensure_timer()
        return {"FINISHED"}
