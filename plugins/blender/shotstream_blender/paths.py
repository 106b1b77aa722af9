# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as the scene stores them."""

import contextlib

import bpy


def relative(path: str, start: str | None = None) -> str:
    """Relative to the .blend where that is possible, so that both can move together.

    Args:
        path: Absolute.
        start: Folder of the .blend; None: of the one that is open, if it was saved.
    """
    if path and (start or bpy.data.filepath):
        with contextlib.suppress(ValueError):  # another drive on Windows
            return bpy.path.relpath(path, start=start)
    return path
