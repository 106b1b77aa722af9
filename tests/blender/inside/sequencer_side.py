# SPDX-License-Identifier: Apache-2.0
"""What the checks of the sequencer share: takes whose pictures tell their number, and what a scene shows."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from blender_side import Hand, module

WIDTH, HEIGHT, BITS = 128, 80, 8


def numbered(number: int) -> np.ndarray:
    """A picture of white and black bars that tell a number; uint8 ``[80, 128, 3]``."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            pixels[:, bit * 16 : (bit + 1) * 16] = 255
    return pixels


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Writes a PNG, as any program may."""
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + width * 3), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    data = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(data)


def numbered_take(folder: Path, *shots: list[tuple[str, int]], fps: float = 16.0) -> Path:
    """A take of numbered pictures.

    Args:
        folder: Where it goes.
        shots: Text and frames of each beat of each shot.
        fps: Frames a second.
    """
    (folder / "frames").mkdir(parents=True)
    beats: list[dict[str, Any]] = []
    told, at = [], 0
    for number, shot in enumerate(shots):
        first = at
        for text, frames in shot:
            beats.append(
                {
                    "id": f"b{len(beats)}",
                    "text": text,
                    "mode": "continue" if at > first else "cut",
                    "policy": "queue",
                    "shot": number,
                    "first_frame": at,
                    "frames": frames,
                    "outcome": "completed",
                    "submitted_s": 0.0,
                }
            )
            for index in range(at, at + frames):
                write_png(folder / "frames" / f"{index:06d}.png", numbered(index))
            at += frames
        names = [beat["id"] for beat in beats if beat["shot"] == number]
        told.append({"shot": number, "first_frame": first, "frames": at - first, "beats": names})
    manifest = {
        "format": "shotstream-take",
        "version": 1,
        "product_version": "0.1.0",
        "created": "2026-01-01T00:00:00Z",
        "title": "Numbers",
        "global_caption": "Bars.",
        "seed": 5,
        "model": {"name": "numbers", "weights_hash": "abc", "width": WIDTH, "height": HEIGHT},
        "fps": fps,
        "frames": at,
        "complete": True,
        "wall_s": 1.0,
        "pictures": "frames",
        "beats": beats,
        "shots": told,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def set_up_scene(rate: float = 24.0) -> bpy.types.Scene:
    """The scene, so that a render shows its sequencer as it is."""
    scene = bpy.context.scene
    whole = round(rate)
    scene.render.fps, scene.render.fps_base = whole, whole / rate
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.resolution_percentage, scene.render.dither_intensity = 100, 0.0
    scene.view_settings.view_transform = "Standard"
    return scene


def seen(scene: bpy.types.Scene, frame: int, folder: Path) -> np.ndarray:
    """What the scene renders at a frame; uint8 ``[80, 128, 3]``, rows from the top."""
    scene.frame_set(frame)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    scene.render.filepath = str(folder / "seen.png")
    bpy.ops.render.render(write_still=True)
    return picture(folder / "seen.png")


def picture(path: str | Path) -> np.ndarray:
    """A picture file as uint8 ``[height, width, 3]``, rows from the top."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    pixels = values.reshape(image.size[1], image.size[0], 4)[::-1, :, :3]
    bpy.data.images.remove(image)
    return np.round(pixels * 255).astype(np.uint8)


def number_at(scene: bpy.types.Scene, frame: int, folder: Path) -> int:
    """Which numbered picture the scene shows."""
    middle = seen(scene, frame, folder)[HEIGHT // 2, 8::16, 0]
    return sum(1 << bit for bit in range(BITS) if middle[bit] > 127)


def settle(hand: Hand) -> None:
    """Turns the timer until every strip is there."""
    sync = module("strip_sync")
    hand.until(lambda: not hand.studio.busy and not sync.is_busy())
    hand.for_seconds(0.1)
    assert not sync.trouble(), sync.trouble()


def strips(hand: Hand) -> list[Any]:
    """The story's strips from left to right."""
    found = module("strip_marks").of_story(bpy.context.scene)
    return sorted(found, key=module("compat").left)


def places(hand: Hand) -> list[tuple[int, int]]:
    """First frame, and frame after the last, of each strip."""
    compat = module("compat")
    return [(compat.left(strip), compat.right(strip)) for strip in strips(hand)]
