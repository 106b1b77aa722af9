# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots that were there when Blender ended, but not their files: found, or made now from what was left."""

import contextlib
import json
import os
from pathlib import Path

import bpy

from . import finishing, paths, story, strip_layout, strip_sync, take_files
from .strip_layout import Shot
from .studio import Studio


def recover(studio: Studio) -> bool:
    """Looks after every story whose beats are done and have no pictures, and that nobody works on.

    Returns:
        Whether any was found.
    """
    under_way = {session.run.terms.story_uid for session in studio.sessions}
    found = False
    for scene in bpy.data.scenes:
        held = scene.shotstream
        if not held.beats or held.uid in under_way:
            continue
        for shot in strip_layout.shots(held):
            if not shot.cut.pictures and shot.cut.take and shot.cut.shot_frames and shot.cut.state == "done":
                found |= _recover(studio, held, shot)
    return found


def _recover(studio: Studio, held: story.ShotStreamStory, shot: Shot) -> bool:
    cut = shot.cut
    take = Path(os.path.abspath(bpy.path.abspath(cut.take)))
    pictures = take / take_files.FRAMES
    spool = take / take_files.SPOOL / f"{cut.shot:04d}.rgb"
    numbers = range(cut.shot_first_frame, cut.shot_first_frame + cut.shot_frames)
    if all((pictures / f"{number:06d}.png").exists() for number in numbers):
        for left in spool.parent.glob(f"{spool.stem}*"):
            with contextlib.suppress(OSError):
                left.unlink()
        _found(held.uid, cut.uid, pictures)
        return True
    path = finishing.order_path(spool, cut.shot_frames)
    try:
        order = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    # The folder may have been moved since; strips get a movie of their own.
    order |= {"spool": str(spool), "pictures": str(pictures), "movie": None}
    story_uid, cut_uid = held.uid, cut.uid

    def done(trouble: str) -> None:
        if trouble:
            strip_sync.say(trouble)
        else:
            # The take may have been moved since.
            _found(story_uid, cut_uid, Path(order["pictures"]))

    studio.finisher.again(order, path, done)
    return True


def _found(story_uid: str, cut_uid: str, pictures: Path) -> None:
    found = story.find(story_uid)
    if found is None:
        return
    for shot in strip_layout.shots(found[1]):
        if shot.cut.uid == cut_uid:
            for item in shot.beats:
                if item.take == shot.cut.take:
                    item.pictures = paths.relative(str(pictures))
    strip_sync.shot_ready(story_uid, cut_uid)
