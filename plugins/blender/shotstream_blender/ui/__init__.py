# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels, the list of beats, menus and the status bar."""

from . import beat_list, menus, panel_beat, panel_server, panel_story, panel_strips, status_bar

PANELS = (
    *beat_list.CLASSES,
    *panel_story.CLASSES,
    *panel_beat.CLASSES,
    *panel_strips.CLASSES,
    *panel_server.CLASSES,
)

__all__ = ["PANELS", "menus", "status_bar"]
