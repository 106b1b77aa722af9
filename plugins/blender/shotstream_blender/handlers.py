# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a file is opened, saved or left."""

import bpy
from bpy.app.handlers import persistent

from . import live, preferences, story, thumbnails


@persistent
def after_loading(*_: object) -> None:
    """Another file is open: a story that is not in it ends, and keeps what it has."""
    thumbnails.forget()
    now = live.studio()
    if now.run is not None and story.find(now.run.terms.story_uid) is None:
        now.end()
    live.ensure_timer()
    settle_unfinished()
    if preferences.get().connect_at_start and any(scene.shotstream.beats for scene in bpy.data.scenes):
        now.connection.want()


def settle_unfinished() -> None:
    """Beats that were under way when the file was saved, and are not any more."""
    run = live.studio().run
    for scene in bpy.data.scenes:
        if run is not None and scene.shotstream.uid == run.terms.story_uid:
            continue
        for item in scene.shotstream.beats:
            if item.state in {"queued", "generating"}:
                item.state = "done" if item.pictures else "draft"
                item.progress = 0.0


_HANDLERS = ((bpy.app.handlers.load_post, after_loading),)


def register() -> None:
    """Adds the handlers."""
    for handlers, function in _HANDLERS:
        handlers.append(function)


def unregister() -> None:
    """Removes them."""
    for handlers, function in _HANDLERS:
        if function in handlers:
            handlers.remove(function)
