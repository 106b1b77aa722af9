# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a file is opened or left, and after an undo."""

import os

import bpy
from bpy.app.handlers import persistent

from . import live, live_picture, mirror, preferences, story, thumbnails


@persistent
def after_loading(*_: object) -> None:
    """Another file is open: a story that is not in it ends, and keeps what it has."""
    thumbnails.forget()
    live_picture.fill(_newest_picture())
    now = live.studio()
    if now.run is not None and story.find(now.run.terms.story_uid) is None:
        now.end()
    live.ensure_timer()
    mirror.settle_unfinished(now)
    now.look_again = True
    if preferences.get().connect_at_start and any(scene.shotstream.beats for scene in bpy.data.scenes):
        now.connection.want()


def _newest_picture() -> str:
    """The file of the newest shot's last picture, of the stories in this file; empty without one."""
    made = [item for scene in bpy.data.scenes for item in scene.shotstream.beats if item.pictures]
    if not made:
        return ""
    item = max(made, key=lambda item: (item.take, item.shot, item.first_frame))
    name = f"{item.first_frame + max(0, item.frames - 1):06d}.png"
    return os.path.join(bpy.path.abspath(item.pictures), name)


@persistent
def after_undo(*_: object) -> None:
    """The scene is what it was: beats that were under way then may be over."""
    live.studio().look_again = True


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
