# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots as strips: made, made again in their place, coloured, and laid out anew.

Callers see to it that strips may be touched now (see :mod:`.strip_sync`).
"""

import bpy

from . import compat, story, strip_content, strip_layout, strip_marks, strip_text, strip_times
from .strip_content import Content, NoContent
from .strip_layout import Shot


def kind_of(existing: list, shot_files: str) -> str:
    """``MOVIE`` or ``IMAGE``: what a shot's strips are, or what the preferences want them to be."""
    for strip in existing:
        if strip.type in {"MOVIE", "IMAGE"}:
            return strip.type
    return "MOVIE" if shot_files == "movie" else "IMAGE"


def wanted(scene: bpy.types.Scene, shot: Shot) -> Content:
    """What a shot's strips should show in this scene.

    Raises:
        NoContent: The shot has no files.
    """
    held, rate = scene.shotstream, compat.scene_rate(scene)
    content = strip_content.content_of(held, shot.cut, rate)
    existing = strip_marks.of_shot(scene, shot.cut.uid)
    length = content.length
    if not existing:
        length = strip_layout.place_of(scene, held, shot)[1]
    elif _rate_of(existing[0]) == rate and _frames_of(existing[0]) == shot.cut.shot_frames:
        # As long as it is: half a frame more or less depends on where a shot begins.
        length = compat.content_length(existing[0])
    return content if length == content.length else strip_content.content_of(held, shot.cut, rate, length)


def put(
    scene: bpy.types.Scene, shot: Shot, content: Content, shot_files: str, *, again: bool = False
) -> list:
    """Makes a shot's strips show it; without one, makes one.

    Args:
        scene: Whose sequencer it is.
        shot: The shot.
        content: Of :func:`wanted`; its movie must exist if the strips are movies.
        shot_files: ``movie`` or ``pictures``: what a new strip is made of.
        again: Whether its movie was just made, so that strips that showed it read it anew.

    Returns:
        The strips.
    """
    held = scene.shotstream
    editor = scene.sequence_editor or scene.sequence_editor_create()
    existing = strip_marks.of_shot(scene, shot.cut.uid)
    if not existing:
        first, length = strip_layout.place_of(scene, held, shot)
        channel = strip_layout.channel_of(scene)
        strip_layout.name_channel(scene, channel, strip_layout.CHANNEL_NAME)
        channel = strip_layout.free_channel(scene, channel, first, first + length)
        strip = strip_content.new_strip(editor, content, kind_of([], shot_files), channel, first)
        strip[strip_marks.BEAT] = shot.cut.uid
        # The user's selection stays what it is.
        strip.select = False
        existing = [strip]
    else:
        for strip in existing:
            if (again or not _shows(strip, content)) and strip.type in {"MOVIE", "IMAGE"}:
                _replace(scene, strip, content, last=strip == existing[-1])
    for strip in existing:
        strip[strip_marks.STORY] = held.uid
        strip[strip_marks.MADE], strip[strip_marks.RATE] = content.made, content.rate
        strip_marks.name_strip(strip, story.label(shot.cut))
        strip_marks.color_strip(strip, strip_marks.state_of(shot.beats))
    if scene.shotstream_strips.texts:
        strip_text.put(scene, shot, existing)
    return existing


def is_current(scene: bpy.types.Scene, shot: Shot) -> bool:
    """Whether a shot's strips show what was made of it last, at the scene's rate."""
    existing = strip_marks.of_shot(scene, shot.cut.uid)
    try:
        return bool(existing) and all(_shows(strip, wanted(scene, shot)) for strip in existing)
    except NoContent:
        return True


def color_all(scene: bpy.types.Scene) -> bool:
    """Gives the strips of a story the colours of their states; returns whether any changed."""
    changed = False
    held = scene.shotstream
    # A beat that begins no shot any more: its strip shows what is not written.
    states = dict.fromkeys((item.uid for item in held.beats), "changed")
    states |= {shot.cut.uid: strip_marks.state_of(shot.beats) for shot in strip_layout.shots(held)}
    for strip in strip_marks.of_story(scene):
        # Of a beat that was removed nothing is known.
        changed |= strip_marks.color_strip(strip, states.get(strip[strip_marks.BEAT], "draft"))
    return changed


def lies_above(scene: bpy.types.Scene, strip) -> bool:
    """Whether a strip found no room on the story's channel, and hides another one."""
    return strip.parent_meta() is None and strip.channel != strip_layout.channel_of(scene)


def remove_left_over(scene: bpy.types.Scene) -> int:
    """Removes the strips of beats that are not in the story any more; returns how many. Files stay."""
    gone = strip_marks.left_over(scene)
    for strip in gone:
        compat.siblings(scene.sequence_editor, strip).remove(strip)
    return len(gone)


def lay_out(scene: bpy.types.Scene) -> int:
    """Moves the strips into the story's order, one behind the other; returns how many shots moved.

    Trims and cuts stay: a shot that is shown shorter leaves no gap. A shot that was not made yet leaves room.
    Strips inside of meta strips stay where they are.
    """
    editor, held = scene.sequence_editor, scene.shotstream
    if editor is None:
        return 0
    fps, rate = held.fps or strip_times.FPS, compat.scene_rate(scene)
    outside = {strip.name for strip in compat.strips(editor)}
    plan, at = [], scene.frame_start
    for shot in strip_layout.shots(held):
        group = [strip for strip in strip_marks.of_shot(scene, shot.cut.uid) if strip.name in outside]
        if not group:
            at += strip_times.scene_frames(shot.frames, fps, rate)
            continue
        plan.append((group, at))
        at += compat.right(group[-1]) - compat.left(group[0])
    astray = any(strip_marks.HOME in strip for group, _ in plan for strip in group)
    channel = strip_layout.channel_of(scene)
    before = [(compat.left(group[0]), group[0].channel) for group, _ in plan]
    if not astray and before == [(first, channel) for _, first in plan]:
        return 0
    # Blender moves a strip that touches another to a channel of its own choice: they go out of the way first.
    aside = max(compat.right(strip) for strip in compat.strips(editor)) + at
    for group, first in plan:
        _move(group, aside + first - scene.frame_start)
    for group, first in plan:
        end = first + compat.right(group[-1]) - compat.left(group[0])
        to = strip_layout.free_channel(scene, channel, first, end)
        for strip in group:
            strip.channel = to
            strip.pop(strip_marks.HOME, None)
        _move(group, first)
    after = [(compat.left(group[0]), group[0].channel) for group, _ in plan]
    return sum(old != new for old, new in zip(before, after, strict=True))


def _move(group: list, first: int) -> None:
    by = first - compat.left(group[0])
    for strip in reversed(group) if by > 0 else group:
        compat.move_content(strip, compat.content_start(strip) + by)


def _replace(scene: bpy.types.Scene, strip, content: Content, *, last: bool) -> None:
    scale = content.rate / (_rate_of(strip) or content.rate)
    limit = strip_layout.limit_after(scene, strip) if last else compat.right(strip)
    if not strip_times.same_rate(scale, 1.0):
        # It may need more room than it has; laying out brings it back.
        strip[strip_marks.HOME] = strip.get(strip_marks.HOME, strip.channel)
        limit = compat.content_start(strip) + content.length
        strip.channel = strip_layout.free_channel(
            scene, strip.channel + 1, compat.left(strip) - 1, limit, beside=strip
        )
    strip_content.replace(strip, content, limit, scale)


def _shows(strip, content: Content) -> bool:
    if strip.type == "MOVIE" and not strip_content.has_file(strip):
        return False
    return strip.get(strip_marks.MADE) == content.made and strip_times.same_rate(
        _rate_of(strip), content.rate
    )


def _rate_of(strip) -> float:
    """The scene's rate that a strip was made for."""
    return strip.get(strip_marks.RATE, 0.0)


def _frames_of(strip) -> int:
    """How many pictures of the take a strip was made of."""
    return int(strip.get(strip_marks.MADE, "/0").rsplit("/", 1)[1])
