# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a scene and of what its strips show. Blender measures strips in the scene's pixels: in a scene
of another size they show another part of their picture.
"""

import bpy

from . import strip_marks

_LINES_OF_TEXT = 20


def font_size(scene: bpy.types.Scene) -> int:
    """Of a new text strip, in the scene's pixels."""
    return max(8, scene.render.resolution_y // _LINES_OF_TEXT)


def resize_scene(scene: bpy.types.Scene, width: int, height: int) -> None:
    """Gives a scene another size; the story's strips and texts fill as much of it as before.

    Args:
        scene: The scene.
        width: Pixels.
        height: Pixels.
    """
    render = scene.render
    before = render.resolution_x, render.resolution_y
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    for strip in strip_marks.of_story(scene):
        element = strip.elements[0] if strip.type in {"MOVIE", "IMAGE"} and strip.elements else None
        if element is None or not element.orig_width or not element.orig_height:
            continue
        own = element.orig_width, element.orig_height
        ratio = _fit(own, (width, height)) / _fit(own, before)
        held = strip.transform
        held.scale_x, held.scale_y = held.scale_x * ratio, held.scale_y * ratio
        held.offset_x, held.offset_y = held.offset_x * ratio, held.offset_y * ratio
    for strip in strip_marks.texts_of_story(scene):
        strip.font_size = max(1.0, strip.font_size * height / before[1])


def _fit(own: tuple[int, int], scene: tuple[int, int]) -> float:
    """How often a picture's size fits into a scene."""
    return min(scene[0] / own[0], scene[1] / own[1])
