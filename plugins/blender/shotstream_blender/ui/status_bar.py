# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress in Blender's status bar."""

import bpy

from .. import live, story


def draw(self, context: bpy.types.Context) -> None:
    """Draws it while something is under way."""
    del context
    now = live.studio()
    run = now.run
    if run is None or not run.running:
        return
    found = story.find(run.terms.story_uid)
    if found is None:
        return
    beats = found[1].beats
    for number, item in enumerate(beats if now.connection.ready else (), start=1):
        if item.state == "generating":
            self.layout.label(
                text=f"ShotStream: beat {number} of {len(beats)}, {item.progress:.0%}", icon="REC"
            )
            return
    self.layout.label(text="ShotStream: waiting for the server", icon="TIME")


def register() -> None:
    """Adds it."""
    bpy.types.STATUSBAR_HT_header.append(draw)


def unregister() -> None:
    """Removes it."""
    bpy.types.STATUSBAR_HT_header.remove(draw)
