# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress in Blender's status bar."""

import bpy

from .. import live
from . import progress


def draw(self, context: bpy.types.Context) -> None:
    """Draws it while something is under way."""
    del context
    now = live.studio()
    run = now.run
    if run is None or not run.running:
        return
    text, share = progress.words(now)
    icon = "REC" if now.connection.ready else "TIME"
    self.layout.label(text=f"ShotStream: {text[:1].lower()}{text[1:]}, {share:.0%}", icon=icon)


def register() -> None:
    """Adds it."""
    bpy.types.STATUSBAR_HT_header.append(draw)


def unregister() -> None:
    """Removes it."""
    bpy.types.STATUSBAR_HT_header.remove(draw)
