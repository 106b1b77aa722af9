# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: connection, local server, live picture."""

import bpy

from .. import live, live_picture, preferences, thumbnails
from ..local_server import ServerPhase
from . import places


class ServerPanel:
    """The server that generates, and the live picture"""

    bl_label = "Server"

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        layout = self.layout
        now = live.studio()
        layout.prop(preferences.get(), "address", text="")
        row = layout.row(align=True)
        if now.connection.wanted or now.connection.online:
            row.operator("shotstream.disconnect", icon="UNLINKED")
        else:
            row.operator("shotstream.connect", icon="LINKED")
        if now.server.alive:
            row.operator("shotstream.server_stop", icon="CANCEL")
        else:
            row.operator("shotstream.server_start", icon="PLAY")
        match now.server.phase:
            case ServerPhase.STARTING:
                layout.label(text="The server on this machine is starting", icon="SORTTIME")
            case ServerPhase.RUNNING:
                layout.label(text="The server on this machine is running", icon="CHECKMARK")
            case ServerPhase.DIED:
                places.lines(layout.box(), now.server.message, context, icon="ERROR")


class LivePanel:
    """The newest frame"""

    bl_label = "Live Picture"

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        del context
        image = live_picture.find()
        if image is None:
            self.layout.label(text="Comes with the first frame", icon="IMAGE_DATA")
        else:
            if picture := thumbnails.live_icon():
                self.layout.template_icon(picture, scale=8.0)
            self.layout.label(text=f"{image.name}: {image.size[0]} x {image.size[1]}", icon="IMAGE_DATA")
        self.layout.operator("shotstream.add_screen", icon="MESH_PLANE")


CLASSES = (
    *places.both(LivePanel, "live"),
    *places.both(ServerPanel, "server"),
)
