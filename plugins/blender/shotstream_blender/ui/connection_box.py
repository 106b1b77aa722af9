# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's address, and the buttons that connect to it or start one."""

import bpy

from .. import live, preferences
from ..local_server import ServerPhase
from . import places


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draws them: on top while there is no connection, in a panel of their own afterwards."""
    now = live.studio()
    layout.prop(preferences.get(), "address", text="")
    row = layout.row(align=True)
    if now.server.alive:
        row.operator("shotstream.server_stop", icon="CANCEL")
    else:
        row.operator("shotstream.server_start", icon="PLAY")
    if now.connection.wanted or now.connection.online:
        row.operator("shotstream.disconnect", icon="UNLINKED")
    else:
        row.operator("shotstream.connect", icon="LINKED")
    match now.server.phase:
        case ServerPhase.STARTING:
            layout.label(text="The server on this machine is starting", icon="SORTTIME")
        case ServerPhase.RUNNING:
            layout.label(text="The server on this machine is running", icon="CHECKMARK")
        case ServerPhase.OFF if now.server.message:
            places.lines(layout, now.server.message, context, icon="INFO")
