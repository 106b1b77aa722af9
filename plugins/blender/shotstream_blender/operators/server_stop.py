# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops the local server."""

import bpy

from .. import live


class SHOTSTREAM_OT_server_stop(bpy.types.Operator):
    """Stop the server that this Blender has started"""

    bl_idname = "shotstream.server_stop"
    bl_label = "Stop Server"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return live.studio().server.alive

    def execute(self, context: bpy.types.Context) -> set[str]:
        now = live.studio()
        now.end()
        now.connection.drop()
        now.server.stop()
        return {"FINISHED"}
