# SPDX-License-Identifier: GPL-3.0-or-later
"""Text strips: the beats of a shot, laid over it."""

from collections import Counter
from collections.abc import Iterable

import bpy

from . import compat, story, strip_layout, strip_marks, strip_size, strip_times
from .strip_layout import Shot


def put(scene: bpy.types.Scene, shot: Shot, strips: list) -> None:
    """Lays a shot's beats over its strips, each as long as its frames show.

    What the user made of a text strip stays: its words, its look and, if it was moved, its channel.

    Args:
        scene: Whose sequencer it is.
        shot: The shot.
        strips: Its strips from left to right.
    """
    known = {strip[strip_marks.TEXT]: strip for strip in strip_marks.texts_of_story(scene)}
    for item, (first, end) in zip(shot.beats, _ranges(scene, shot, strips), strict=True):
        strip = known.get(item.uid)
        if end <= first:
            if strip is not None:
                compat.siblings(scene.sequence_editor, strip).remove(strip)
            continue
        if strip is None:
            strip = _new(scene, item, _channel(known.values(), strips), first, end)
            strip[strip_marks.STORY] = scene.shotstream.uid
        elif (compat.left(strip), compat.right(strip)) != (first, end) or strip_marks.HOME in strip:
            _move(scene, strip, first, end)
        _write(strip, item)


def put_all(scene: bpy.types.Scene) -> None:
    """Lays the beats of every shot over its strips, or takes all of them away, as is chosen."""
    if not scene.shotstream_strips.texts:
        for strip in list(strip_marks.texts_of_story(scene)):
            compat.strips(scene.sequence_editor).remove(strip)
        return
    shots = [(s, strip_marks.of_shot(scene, s.cut.uid)) for s in strip_layout.shots(scene.shotstream)]
    shots = [(shot, strips) for shot, strips in shots if strips]
    if not shots:
        return
    # Out of each other's way: one may go where another lies now.
    uids = {item.uid for shot, _ in shots for item in shot.beats}
    texts = [strip for strip in strip_marks.texts_of_story(scene) if strip[strip_marks.TEXT] in uids]
    aside = max(compat.right(strip) for strip in compat.strips(scene.sequence_editor))
    for strip in sorted(texts, key=compat.left, reverse=True):
        compat.move_content(strip, compat.content_start(strip) + aside)
    for shot, strips in shots:
        put(scene, shot, strips)


def _ranges(scene: bpy.types.Scene, shot: Shot, strips: list) -> list[tuple[int, int]]:
    """Where each beat of a shot shows, in scene frames; empty where it does not."""
    fps, rate = scene.shotstream.fps or strip_times.FPS, compat.scene_rate(scene)
    start = compat.content_start(strips[0])
    left, right = compat.left(strips[0]), compat.right(strips[-1])
    ranges = []
    for number, item in enumerate(shot.beats):
        if not story.in_shot(shot.cut, item):
            ranges.append((left, left))
            continue
        first = start + strip_times.scene_frames(item.first_frame - shot.cut.first_frame, fps, rate)
        after = item.first_frame + item.frames - shot.cut.first_frame
        end = start + strip_times.scene_frames(after, fps, rate)
        # The shot's first and last beat also cover what is held at its ends.
        first = left if number == 0 else max(left, first)
        last = not any(story.in_shot(shot.cut, other) for other in shot.beats[number + 1 :])
        end = right if last else min(right, end)
        ranges.append((first, end))
    return ranges


def _new(scene: bpy.types.Scene, item: story.ShotStreamBeat, channel: int, first: int, end: int):
    free = strip_layout.free_channel(scene, channel, first, end)
    strip_layout.name_channel(scene, channel, strip_layout.TEXT_CHANNEL_NAME)
    strip = compat.new_text(scene.sequence_editor, "beat", free, first, end - first)
    strip[strip_marks.TEXT] = item.uid
    if free != channel:
        # It had no room; laying out brings it there.
        strip[strip_marks.HOME] = channel
    # The user's selection stays what it is.
    strip.select = False
    strip.font_size = strip_size.font_size(scene)
    strip.wrap_width = 0.9
    # Readable over any picture.
    strip.use_box, strip.box_color, strip.box_margin = True, (0.0, 0.0, 0.0, 0.5), 0.01
    compat.align_text(strip)
    return strip


def _channel(texts: Iterable, strips: list) -> int:
    """Where a new text goes: to the others, or above its shot."""
    used = Counter(strip.get(strip_marks.HOME, strip.channel) for strip in texts)
    shot = strips[0].get(strip_marks.HOME, strips[0].channel)
    return used.most_common(1)[0][0] if used else shot + 1


def _move(scene: bpy.types.Scene, strip, first: int, end: int) -> None:
    home = strip.get(strip_marks.HOME, strip.channel)
    # Out of the way of others while it changes.
    strip.channel = compat.ASIDE
    compat.set_handles(strip, first, end)
    strip.channel = strip_layout.free_channel(scene, home, first, end, beside=strip)
    if strip.channel == home:
        strip.pop(strip_marks.HOME, None)
    else:
        # It had no room; laying out brings it back.
        strip[strip_marks.HOME] = home


def _write(strip, item: story.ShotStreamBeat) -> None:
    # Not the shot's own name: Blender would number it.
    strip_marks.name_strip(strip, f"{story.label(item)} (text)")
    words = item.made_text or item.text
    if strip.text == strip.get(strip_marks.WORDS, strip.text):
        strip.text = words
        strip[strip_marks.WORDS] = words
