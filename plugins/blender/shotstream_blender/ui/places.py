# SPDX-License-Identifier: GPL-3.0-or-later
"""Where panels stand, and what they share."""

import blf
import bpy

from .. import live
from ..connection import Link
from ..local_server import ServerPhase

CATEGORY = "ShotStream"
MARGIN, ICON_MARGIN = 52.0, 38.0
"""Pixels of a panel's width that a label has not: tabs and borders; an icon and the box it stands in."""


class InSequencer:
    """The sidebar of the Video Sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = CATEGORY


class InViewport:
    """The sidebar of the 3D View."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


def both(panel: type, name: str, **more: str) -> tuple[type, type]:
    """A panel for both places.

    Args:
        panel: A class with what the panel draws.
        name: Of the panel's ID: ``SHOTSTREAM_PT_NAME_sequencer`` and ``..._view``.
        more: Attributes of both; ``parent`` is the ID of the parent without the place.
    """
    classes = []
    for place, where in ((InSequencer, "sequencer"), (InViewport, "view")):
        fields = {"bl_idname": f"SHOTSTREAM_PT_{name}_{where}", "__doc__": panel.__doc__}
        if "parent" in more:
            fields["bl_parent_id"] = f"SHOTSTREAM_PT_{more['parent']}_{where}"
        classes.append(type(fields["bl_idname"], (place, panel, bpy.types.Panel), fields))
    return tuple(classes)


def characters(context: bpy.types.Context, width: float = 0.0) -> int:
    """How many characters a line has room for.

    Args:
        context: Whose region it is.
        width: Of something else than the region, in pixels of a user interface that is not scaled.
    """
    pixels = width or context.region.width / context.preferences.system.ui_scale
    return max(16, int((pixels - 48) / 6.4))


def wrapped(text: str, room: float, points: float, most: int | None = None) -> list[str]:
    """A text in lines that fit.

    Args:
        text: The text.
        room: Pixels of a user interface that is not scaled.
        points: The size of the font.
        most: The most lines, the last with an ellipsis; None: as many as there are.
    """
    blf.size(0, points)

    def fits(line: str) -> bool:
        return blf.dimensions(0, line)[0] <= room

    found, line, words = [], "", text.split()
    while words:
        word = words.pop(0)
        longer = f"{line} {word}" if line else word
        if fits(longer):
            line = longer
        elif line:
            found.append(line)
            line = ""
            words.insert(0, word)
        else:
            # A path, say, that is longer than a line.
            cut = next((n for n in range(len(word) - 1, 1, -1) if fits(word[:n])), 1)
            found.append(word[:cut])
            words[:0] = [word[cut:]] if word[cut:] else []
    found.append(line)
    found = [line for line in found if line]
    if most is not None and len(found) > most:
        found = [*found[: most - 1], f"{found[most - 1].rsplit(' ', 1)[0]} …"]
    return found


def lines(
    layout: bpy.types.UILayout,
    text: str,
    context: bpy.types.Context,
    *,
    icon: str = "NONE",
    width: float = 0.0,
    most: int | None = None,
) -> None:
    """Writes a text over as many lines as it needs: labels are cut off otherwise.

    Args:
        layout: Where it goes.
        text: The text.
        context: Whose region it is.
        icon: Of its first line.
        width: See :func:`characters`.
        most: The most lines; None: as many as there are.
    """
    column = layout.column(align=True)
    column.scale_y = 0.8
    room = (width or context.region.width / context.preferences.system.ui_scale) - MARGIN
    room -= ICON_MARGIN if icon != "NONE" else 0.0
    points = context.preferences.ui_styles[0].widget.points
    for number, line in enumerate(wrapped(text, max(room, 100.0), points, most)):
        if number == 0:
            column.label(text=line, icon=icon)
        else:
            column.label(text=line, icon="BLANK1" if icon != "NONE" else "NONE")


def connection_words() -> tuple[str, str]:  # noqa: PLR0911 - one for each state
    """How the connection stands in a few words, and its icon."""
    now = live.studio()
    match now.connection.link:
        case Link.ONLINE if now.connection.ready:
            server = now.connection.client.server
            return f"{server.model}, {server.width} x {server.height} at {server.fps:g} fps", "LINKED"
        case Link.ONLINE:
            return f"Loading: {now.connection.client.server.detail or 'the model'}", "SORTTIME"
        case Link.CONNECTING if now.connection.held_back:
            return "The server is stopping ...", "SORTTIME"
        case Link.CONNECTING:
            return "Connecting ...", "SORTTIME"
        case Link.LOST:
            return "Connection lost, trying again", "ERROR"
        case Link.FAILED if now.server.phase is ServerPhase.STARTING:
            return "Server is starting ...", "SORTTIME"
        case Link.FAILED:
            return "Not connected", "ERROR"
        case _:
            return "Not connected", "UNLINKED"
