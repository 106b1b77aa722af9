# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by another Blender without a window: makes PNG files, and a movie of them, from a shot's raw frames.

The order may name the pictures to ``show`` in the movie instead, one after the other, or a ``source`` movie
to take them from.

An order's file goes when it is carried out.

Usage: blender --background --factory-startup --python finish_shot.py -- ORDER.json [ORDER.json ...]
"""

import json
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

PNG_LEVEL = 3
NICE = 10


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Writes a lossless PNG whole or not at all.

    Args:
        path: The file.
        pixels: uint8 ``[height, width, 3]``, RGB.
    """
    height, width, _ = pixels.shape
    lines = np.empty((height, 1 + width * 3), np.uint8)
    # PNG filter 2: each line minus the one above, which compresses pictures far better.
    lines[:, 0] = 2
    flat = pixels.reshape(height, -1)
    lines[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=lines[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), PNG_LEVEL)
    # Another process may make the same one.
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in ((b"IHDR", header), (b"sRGB", b"\0"), (b"IDAT", body), (b"IEND", b"")):
            file.write(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            )
    os.replace(part, path)


def make_pictures(order: dict) -> list[str]:
    """Writes the PNG files that do not exist yet; returns the names of all of them."""
    folder, width, height = Path(order["pictures"]), order["width"], order["height"]
    size = width * height * 3
    names = []
    spool_path = Path(order["spool"])
    if not spool_path.exists():
        # All of it was made files before.
        spool_path = Path(os.devnull)
    with spool_path.open("rb") as spool:
        for position, index in enumerate(order["indices"]):
            name = f"{index:06d}.png"
            names.append(name)
            if (folder / name).exists():
                continue
            if position < order["dropped"]:
                raise SystemExit(f"Error: the picture {folder / name} is gone")
            spool.seek((position - order["dropped"]) * size)
            data = spool.read(size)
            if len(data) != size:
                raise SystemExit(f"Error: frame {index} is cut short in {order['spool']}")
            write_png(folder / name, np.frombuffer(data, np.uint8).reshape(height, width, 3))
    return names


def in_their_places(indices: list[int], names: list[str]) -> list[str]:
    """The picture to show for each frame. One that is missing shows the one before."""
    by_index = dict(zip(indices, names, strict=True))
    shown, last = [], names[0]
    for index in range(indices[0], indices[-1] + 1):
        last = by_index.get(index, last)
        shown.append(last)
    return shown


def set_up(order: dict):
    """A scene that renders its sequencer as it is, in the size and at the rate of the order."""
    import bpy

    scene = bpy.context.scene
    # Of the order before.
    scene.sequence_editor_clear()
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = (
        order["width"],
        order["height"],
        100,
    )
    # Rates such as 23.976 are a whole number over 1.001.
    whole = round(order["fps"])
    if abs(whole - order["fps"]) < 1e-6:
        render.fps, render.fps_base = whole, 1.0
    else:
        render.fps, render.fps_base = whole, whole / order["fps"]
    render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    render.use_sequencer = True
    render.use_compositing = False
    render.use_file_extension = False
    return scene, strips


def make_movie(order: dict, elements: list[str]) -> None:
    """Renders pictures into a movie through the sequencer."""
    import bpy

    scene, strips = set_up(order)
    strip = strips.new_image("shot", os.path.join(order["pictures"], elements[0]), 1, 1)
    for name in elements[1:]:
        strip.elements.append(name)
    scene.frame_start, scene.frame_end = 1, len(elements)
    render = scene.render
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    settings.color_mode = "RGB"
    ffmpeg = render.ffmpeg
    ffmpeg.format, ffmpeg.codec = "MPEG4", "H264"
    ffmpeg.constant_rate_factor, ffmpeg.ffmpeg_preset = "PERC_LOSSLESS", "GOOD"
    # Short, so that scrubbing in the sequencer is quick.
    ffmpeg.gopsize = 8
    ffmpeg.audio_codec = "NONE"
    movie = Path(order["movie"])
    movie.parent.mkdir(parents=True, exist_ok=True)
    part = movie.with_name(f"part_{movie.name}")
    render.filepath = str(part)
    bpy.ops.render.render(animation=True)
    os.replace(part, movie)


def take_pictures(order: dict) -> None:
    """Renders frames of a movie into PNG files that are not there yet, named by ``first_name`` on."""
    import bpy

    scene, strips = set_up(order)
    strips.new_movie("take", order["source"], 1, 1)
    render = scene.render
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    render.image_settings.compression = 15
    folder = Path(order["pictures"])
    folder.mkdir(parents=True, exist_ok=True)
    for position in range(order["count"]):
        path = folder / f"{order['first_name'] + position:06d}.png"
        if path.exists():
            continue
        scene.frame_set(1 + order["first"] + position)
        part = path.with_suffix(".part")
        render.filepath = str(part)
        bpy.ops.render.render(write_still=True)
        os.replace(part, path)


def main() -> None:
    """Carries out the orders, one after the other."""
    # The artist's Blender, and a model that runs beside it, come first.
    if hasattr(os, "nice"):
        os.nice(NICE)
    for path in map(Path, sys.argv[sys.argv.index("--") + 1 :]):
        try:
            told = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue  # another Blender was quicker
        carry_out(json.loads(told))
        path.unlink(missing_ok=True)


def carry_out(order: dict) -> None:
    """Makes what an order asks for."""
    if "source" in order:
        take_pictures(order)
        return
    shown = order.get("show")
    if shown is None:
        names = make_pictures(order)
        shown = in_their_places(order["indices"], names) if names else []
    if order["movie"] and shown:
        make_movie(order, shown)


main()
