# SPDX-License-Identifier: GPL-3.0-or-later
"""How a strip knows its shot: custom properties, which survive cutting, copying, undo and saving.

``shotstream_beat`` (ID of the shot's cut), ``shotstream_text`` (ID of the beat, on text strips),
``shotstream_story`` (ID of the story it was made for), ``shotstream_made`` (what it shows),
``shotstream_rate`` (the scene's rate it was made for), ``shotstream_home`` (the channel that it left because
it had no room there), and what was set last of ``shotstream_name``, ``shotstream_color`` and
``shotstream_words``: what differs from that now was changed by the user, and is left alone. A scene has one
story, which its strips belong to.
"""

import re
from collections.abc import Iterator

import bpy

from . import compat, story

BEAT, TEXT, STORY = "shotstream_beat", "shotstream_text", "shotstream_story"
MADE, RATE, HOME = "shotstream_made", "shotstream_rate", "shotstream_home"
NAME, COLOR, WORDS = "shotstream_name", "shotstream_color", "shotstream_words"

COLORS = {
    "draft": "NONE",
    "queued": "COLOR_03",
    "generating": "COLOR_02",
    "done": "COLOR_04",
    "failed": "COLOR_01",
    "changed": "COLOR_06",
}
"""Yellow waits, orange is under way, green is done, red failed, violet shows what is not written any more."""
_NUMBER = re.compile(r"\.\d{3,}$")


def of_story(scene: bpy.types.Scene) -> Iterator:
    """The picture strips of a scene's story, those inside of meta strips too."""
    if scene.sequence_editor is None:
        return
    for strip in compat.all_strips(scene.sequence_editor):
        if BEAT in strip:
            yield strip


def of_shot(scene: bpy.types.Scene, beat_uid: str) -> list:
    """A shot's strips from left to right: more than one if the user has cut it."""
    found = [strip for strip in of_story(scene) if strip[BEAT] == beat_uid]
    return sorted(found, key=compat.left)


def texts_of_story(scene: bpy.types.Scene) -> Iterator:
    """The text strips of a scene's story."""
    if scene.sequence_editor is None:
        return
    for strip in compat.all_strips(scene.sequence_editor):
        if TEXT in strip:
            yield strip


def left_over(scene: bpy.types.Scene) -> list:
    """Strips of beats that were removed from the story: pictures and texts. Those that were copied from
    another story are none of them.
    """
    held = scene.shotstream
    uids = {item.uid for item in held.beats}
    strips = [*of_story(scene), *texts_of_story(scene)]
    return [
        strip
        for strip in strips
        if strip.get(STORY) == held.uid and strip.get(BEAT, strip.get(TEXT)) not in uids
    ]


def name_strip(strip, name: str) -> None:
    """Names a strip, unless the user has named it."""
    given = strip.get(NAME)
    if given is not None and _NUMBER.sub("", strip.name) != _NUMBER.sub("", given):
        return
    # Blender cuts names at 63 bytes.
    wanted = name.encode()[:59].decode(errors="ignore")
    if given is None or _NUMBER.sub("", given) != wanted:
        strip.name = wanted
    strip[NAME] = strip.name


def color_strip(strip, state: str) -> bool:
    """Gives a strip the colour of a state, unless the user has coloured it; returns whether it changed."""
    given, wanted = strip.get(COLOR), COLORS[state]
    if given is not None and strip.color_tag != given:
        return False
    if given == wanted:
        return False
    strip.color_tag = wanted
    strip[COLOR] = wanted
    return True


def state_of(beats: list[story.ShotStreamBeat]) -> str:
    """A shot's state, of its beats' ones."""
    states = {item.state for item in beats}
    for state in ("failed", "generating", "queued"):
        if state in states:
            return state
    if states != {"done"}:
        return "draft"
    return "changed" if any(story.changes(beats)) else "done"
