# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels, the list of beats, and the status bar."""

from . import beat_list, panel_beat, panel_server, panel_story, status_bar

PANELS = (*beat_list.CLASSES, *panel_story.CLASSES, *panel_beat.CLASSES, *panel_server.CLASSES)

__all__ = ["PANELS", "status_bar"]
