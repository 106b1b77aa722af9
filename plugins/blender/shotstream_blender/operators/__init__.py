# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators, one a file."""

from . import (
    add_screen,
    beat_add,
    beat_duplicate,
    beat_move,
    beat_remove,
    beats_from_markers,
    beats_from_text,
    connect,
    direct_beat,
    disconnect,
    generate_all,
    generate_from_here,
    generate_selected,
    regenerate_shot,
    server_start,
    server_stop,
    stop,
)

OPERATORS = (
    add_screen.SHOTSTREAM_OT_add_screen,
    beat_add.SHOTSTREAM_OT_beat_add,
    beat_duplicate.SHOTSTREAM_OT_beat_duplicate,
    beat_move.SHOTSTREAM_OT_beat_move,
    beat_remove.SHOTSTREAM_OT_beat_remove,
    beats_from_markers.SHOTSTREAM_OT_beats_from_markers,
    beats_from_text.SHOTSTREAM_OT_beats_from_text,
    connect.SHOTSTREAM_OT_connect,
    direct_beat.SHOTSTREAM_OT_direct_beat,
    disconnect.SHOTSTREAM_OT_disconnect,
    generate_all.SHOTSTREAM_OT_generate_all,
    generate_from_here.SHOTSTREAM_OT_generate_from_here,
    generate_selected.SHOTSTREAM_OT_generate_selected,
    regenerate_shot.SHOTSTREAM_OT_regenerate_shot,
    server_start.SHOTSTREAM_OT_server_start,
    server_stop.SHOTSTREAM_OT_server_stop,
    stop.SHOTSTREAM_OT_stop,
)
