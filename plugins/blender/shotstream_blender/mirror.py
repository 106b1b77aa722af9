# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what is under way into the scene's story, and again after an undo has taken it back."""

import bpy

from . import paths, story
from .attempts import Attempt
from .session import Session
from .studio import Studio


def mirror(studio: Studio) -> bool:
    """Brings the scenes up to date.

    Returns:
        Whether anything changed, so that it is to be drawn again.
    """
    # Of each beat the newest attempt counts, in whichever take it is.
    newest: dict[str, dict[str, tuple[Session, Attempt]]] = {}
    for session in studio.sessions:
        beats = newest.setdefault(session.run.terms.story_uid, {})
        for attempt in session.run.attempts.values():
            if attempt.recorded:
                beats[attempt.uid] = session, attempt
    changed = False
    for story_uid, beats in newest.items():
        found = story.find(story_uid)
        if found is None:
            continue
        for shot in story.each_shot(found[1]):
            for item in shot:
                if item.uid in beats:
                    changed |= _mirror_beat(item, *beats[item.uid], shot[0])
        changed |= _mirror_model(studio, found[1])
    studio.forget_ended()
    return changed


def settle_unfinished(studio: Studio) -> bool:
    """Beats that were under way when the file was saved, the extension was disabled, or at the step that an
    undo went back to, and are not now: nobody works on them.

    Returns:
        Whether there were any.
    """
    under_way = {
        (session.run.terms.story_uid, attempt.uid)
        for session in studio.sessions
        for attempt in session.run.attempts.values()
    }
    changed = False
    for scene in bpy.data.scenes:
        for item in scene.shotstream.beats:
            if item.state not in {"queued", "generating"} or (scene.shotstream.uid, item.uid) in under_way:
                continue
            changed |= _set(item, state="done" if item.pictures else "draft", progress=0.0)
    return changed


def _mirror_model(studio: Studio, held: story.ShotStreamStory) -> bool:
    server = studio.connection.server
    if server is None:
        return False
    return _set(
        held,
        width=server.width,
        height=server.height,
        fps=server.fps,
        chunks_per_shot=server.chunks_per_shot,
    )


def _mirror_beat(
    item: story.ShotStreamBeat, session: Session, attempt: Attempt, cut: story.ShotStreamBeat
) -> bool:
    if attempt.state == "draft":
        if not story.in_shot(cut, item) and item.state != "draft":
            # What it had belongs to a take of the shot that was replaced.
            story.clear_result(item)
            return True
        # Dropped before it had a frame: what it had before still holds.
        return _set(item, state="done" if item.pictures else "draft", progress=0.0)
    reason = attempt.reason or attempt.notice
    if attempt.state == "queued":
        # What is known of the pictures it has holds until there are others.
        reason = reason or item.reason
    changed = _set(item, state=attempt.state, reason=reason, progress=attempt.progress)
    take = session.take
    record = None if take is None or not attempt.received else take.shots.get(attempt.shot)
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
        take=paths.relative(str(take.folder)),
    )
    files = session.files_of(attempt.shot)
    if files is not None:
        changed |= _set(item, pictures=paths.relative(files.pictures), movie=paths.relative(files.movie))
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
