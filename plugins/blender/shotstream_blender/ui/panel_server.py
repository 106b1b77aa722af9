# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: connection, local server, live picture."""

import bpy

from .. import live, live_picture, thumbnails
from . import connection_box, places


class ServerPanel:
    """The server that generates, and the live picture"""

    bl_label = "Server"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a connection: before that, the same stands on top."""
        return live.studio().connection.online

    def draw(self, context: bpy.types.Context) -> None:
        """Draws it."""
        connection_box.draw(self.layout, context)


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
