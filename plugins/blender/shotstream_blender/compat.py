# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 4.2 and 5.x, in one place."""

import contextlib
import subprocess

import bpy

HAS_STRIPS = hasattr(bpy.types, "Strip")
"""4.4 renamed Sequence to Strip."""


CREATION_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""For child processes: on Windows, without a console window of their own."""
PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Of properties with paths: since 4.5 one that may begin with // says so."""


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene that the sequencer edits: since 5.0 the workspace may name another than the window's."""
    workspace = getattr(context, "workspace", None)
    return getattr(workspace, "sequencer_scene", None) or context.scene


def strips(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips at the top level of a sequence editor: 5.0 removed the old name."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips of a sequence editor with those inside of meta strips."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


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
