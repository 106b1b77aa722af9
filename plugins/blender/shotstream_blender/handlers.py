# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a file is opened or left, and after an undo."""

import bpy
from bpy.app.handlers import persistent

from . import live, live_picture, mirror, preferences, story, thumbnails


@persistent
def after_loading(*_: object) -> None:
    """Another file is open: a story that is not in it ends, and keeps what it has."""
    thumbnails.forget()
    newest = live_picture.newest_file()
    live_picture.fill(newest)
    thumbnails.show_live_file(newest)
    now = live.studio()
    if now.run is not None and story.find(now.run.terms.story_uid) is None:
        now.end()
    live.ensure_timer()
    mirror.settle_unfinished(now)
    now.look_again = True
    if preferences.get().connect_at_start and any(scene.shotstream.beats for scene in bpy.data.scenes):
        now.connection.want()


@persistent
def after_undo(*_: object) -> None:
    """The scene is what it was: beats that were under way then may be over."""
    live.studio().look_again = True
    live_picture.restore()


_HANDLERS = (
    (bpy.app.handlers.load_post, after_loading),
    (bpy.app.handlers.undo_post, after_undo),
    (bpy.app.handlers.redo_post, after_undo),
)


def register() -> None:
    """Adds the handlers."""
    for handlers, function in _HANDLERS:
        handlers.append(function)


def unregister() -> None:
    """Removes them."""
    for handlers, function in _HANDLERS:
        if function in handlers:
            handlers.remove(function)
