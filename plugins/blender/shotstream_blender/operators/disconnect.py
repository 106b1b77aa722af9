# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaves the server."""

import bpy

from .. import live


class SHOTSTREAM_OT_disconnect(bpy.types.Operator):
    """Leave the server; the running story ends, what came is kept"""

    bl_idname = "shotstream.disconnect"
    bl_label = "Disconnect"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return live.studio().connection.wanted or live.studio().connection.online

    def execute(self, context: bpy.types.Context) -> set[str]:
        live.studio().end()
        live.studio().connection.drop()
        return {"FINISHED"}
