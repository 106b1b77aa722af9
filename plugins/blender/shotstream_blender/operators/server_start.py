# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a local server."""

import bpy

from .. import live


class SHOTSTREAM_OT_server_start(bpy.types.Operator):
    """Start a server on this machine and connect to it; it stops with Blender"""

    bl_idname = "shotstream.server_start"
    bl_label = "Start Server"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return not live.studio().server.alive

    def execute(self, context: bpy.types.Context) -> set[str]:
        now = live.studio()
        if not now.server.start():
            self.report({"ERROR"}, now.server.message)
            return {"CANCELLED"}
        now.connection.want()
        live.ensure_timer()
        return {"FINISHED"}
