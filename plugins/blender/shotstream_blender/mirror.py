# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what is under way into the scene's story, and again after an undo has taken it back."""

import contextlib

import bpy

from . import story
from .attempts import Attempt
from .studio import Studio


def mirror(studio: Studio) -> bool:
    """Brings the scene up to date.

    Returns:
        Whether anything changed, so that it is to be drawn again.
    """
    run = studio.run
    found = None if run is None else story.find(run.terms.story_uid)
    if found is None:
        return False
    _, held = found
    newest: dict[str, Attempt] = {}
    for attempt in run.attempts.values():
        if attempt.recorded:
            newest[attempt.uid] = attempt
    changed = False
    for item in held.beats:
        attempt = newest.get(item.uid)
        if attempt is not None:
            changed |= _mirror_beat(studio, item, attempt)
    client = studio.connection.client
    if client is not None and not client.connecting:
        server = client.server
        changed |= _set(held, width=server.width, height=server.height, fps=server.fps)
    return changed


def _mirror_beat(studio: Studio, item: story.ShotStreamBeat, attempt: Attempt) -> bool:
    if attempt.state == "draft":
        # Dropped before it had a frame: what it had before still holds.
        return _set(item, state="done" if item.pictures else "draft", progress=0.0)
    changed = _set(item, state=attempt.state, reason=attempt.reason, progress=attempt.progress)
    if not attempt.received:
        return changed
    take = studio.take
    record = None if take is None else take.shots.get(attempt.shot)
    if record is None:
        return changed
    changed |= _set(
        item,
        shot=attempt.shot,
        first_frame=attempt.first_frame,
        frames=attempt.received,
        shot_first_frame=record.first_frame,
        shot_frames=record.frames,
        made_text=attempt.text,
        take=_relative(str(take.folder)),
    )
    files = studio.files_of(attempt.shot)
    if files is not None:
        changed |= _set(item, pictures=_relative(files.pictures), movie=_relative(files.movie))
    return changed


def _set(holder: bpy.types.PropertyGroup, **values: object) -> bool:
    """Sets what differs: writing tags the scene, which costs redraws."""
    changed = False
    for name, value in values.items():
        now = getattr(holder, name)
        if now != value and not (isinstance(value, float) and abs(now - value) < 1e-4):
            setattr(holder, name, value)
            changed = True
    return changed


def _relative(path: str) -> str:
    """Relative to the .blend where that is possible, so that both can move together."""
    if path and bpy.data.filepath:
        with contextlib.suppress(ValueError):  # another drive on Windows
            return bpy.path.relpath(path)
    return path
