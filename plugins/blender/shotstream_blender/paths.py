# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as the scene stores them."""

import contextlib

import bpy


def relative(path: str) -> str:
    """Relative to the .blend where that is possible, so that both can move together."""
    if path and bpy.data.filepath:
        with contextlib.suppress(ValueError):  # another drive on Windows
            return bpy.path.relpath(path)
    return path
