# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 4.2 and 5.x, in one place."""

import contextlib
import subprocess

import bpy

ASIDE = 128
"""The highest channel, where nobody works."""

HAS_STRIPS = hasattr(bpy.types, "Strip")
"""4.4 renamed Sequence to Strip."""


CREATION_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""For child processes: on Windows, without a console window of their own."""
LOW_PRIORITY = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
"""For those that nobody waits for; elsewhere than on Windows they lower theirs themselves."""
PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Of properties with paths: since 4.5 one that may begin with // says so."""


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene that the sequencer edits: since 5.0 the workspace may name another than the window's."""
    workspace = getattr(context, "workspace", None)
    return getattr(workspace, "sequencer_scene", None) or context.scene


def strips(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips at the top level of a sequence editor, or of a meta strip: 5.0 removed the old name."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips of a sequence editor with those inside of meta strips."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def siblings(editor: bpy.types.SequenceEditor, strip) -> bpy.types.bpy_prop_collection:
    """The strips that share a strip's channels: those at the top level, or in the same meta strip."""
    meta = strip.parent_meta()
    return strips(editor if meta is None else meta)


def set_movie_output(settings: bpy.types.ImageFormatSettings) -> None:
    """Makes renders movies: since 5.0 the kind of media is chosen before the format."""
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"


def is_rendering() -> bool:
    """Whether a render runs beside the user interface."""
    with contextlib.suppress(TypeError, ValueError):
        return bpy.app.is_job_running("RENDER")
    return False


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames a second of a scene."""
    return scene.render.fps / scene.render.fps_base


# --- where a strip lies: 5.1 gave these other names, and warns of the old ones --------------------

_NEW_TIMES = HAS_STRIPS and "left_handle" in bpy.types.Strip.bl_rna.properties
_LEFT = "left_handle" if _NEW_TIMES else "frame_final_start"
_RIGHT = "right_handle" if _NEW_TIMES else "frame_final_end"
_CONTENT_START = "content_start" if _NEW_TIMES else "frame_start"
_CONTENT_LENGTH = "content_duration" if _NEW_TIMES else "frame_duration"


def left(strip) -> int:
    """The first frame at which a strip shows."""
    return int(getattr(strip, _LEFT))


def right(strip) -> int:
    """The frame after the last one at which a strip shows."""
    return int(getattr(strip, _RIGHT))


def content_start(strip) -> int:
    """The frame at which the content begins, whether it shows there or is trimmed."""
    return round(getattr(strip, _CONTENT_START))


def content_length(strip) -> int:
    """How many frames the content lasts, with what is trimmed."""
    return int(getattr(strip, _CONTENT_LENGTH))


def move_content(strip, frame: int) -> None:
    """Moves a strip as a whole, so that its content begins at a frame."""
    setattr(strip, _CONTENT_START, frame)


def set_handles(strip, first: int, end: int) -> None:
    """Trims or extends a strip, without moving its content, to ``first`` up to but not including ``end``."""
    # Never empty on the way: the handle that opens the strip goes first.
    order = ((_LEFT, first), (_RIGHT, end)) if first < right(strip) else ((_RIGHT, end), (_LEFT, first))
    for name, frame in order:
        setattr(strip, name, frame)


def new_text(editor: bpy.types.SequenceEditor, name: str, channel: int, first: int, length: int):
    """Makes a text strip: 5.0 takes the length where the end was."""
    function = strips(editor).new_effect
    parameters = {"name": name, "type": "TEXT", "channel": channel, "frame_start": first}
    if bpy.app.version >= (5, 0, 0):
        return function(length=length, **parameters)
    return function(frame_end=first + length, **parameters)


def align_text(strip) -> None:
    """Puts a text at the bottom in the middle: 4.4 renamed the anchor and moved the old name to the lines."""
    strip.location = (0.5, 0.04)
    if hasattr(strip, "anchor_x"):
        strip.anchor_x, strip.anchor_y, strip.alignment_x = "CENTER", "BOTTOM", "CENTER"
    else:
        strip.align_x, strip.align_y = "CENTER", "BOTTOM"
