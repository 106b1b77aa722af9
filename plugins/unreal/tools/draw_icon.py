# SPDX-License-Identifier: Apache-2.0
# Copyright the ShotStream authors.
"""Draws the plugin's icon, `ShotStream/Resources/Icon128.png`: shots in a row, and the one that streams in.

python plugins/unreal/tools/draw_icon.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

ICON = Path(__file__).parents[1] / "ShotStream" / "Resources" / "Icon128.png"
SIZE = 128
# Drawn larger and reduced, for smooth edges.
SCALE = 4


def draw() -> Image.Image:
    """The icon: 128 x 128 pixels, RGBA."""
    side = SIZE * SCALE
    icon = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(icon)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return left * SCALE, top * SCALE, right * SCALE, bottom * SCALE

    pen.rounded_rectangle(box(4, 4, 124, 124), 18 * SCALE, fill=(24, 28, 38, 255))
    for hole in range(6):
        left = 15 + 18 * hole
        for top in (16, 104):
            pen.rounded_rectangle(box(left, top, left + 8, top + 8), 2 * SCALE, fill=(96, 106, 128, 255))
    pen.rounded_rectangle(box(14, 36, 50, 92), 4 * SCALE, fill=(58, 66, 86, 255))
    pen.rounded_rectangle(box(56, 36, 114, 92), 4 * SCALE, fill=(240, 138, 60, 255))
    points = [(74, 48), (74, 80), (100, 64)]
    pen.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=(255, 255, 255, 255))
    return icon.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main() -> None:
    """Writes the icon."""
    ICON.parent.mkdir(parents=True, exist_ok=True)
    draw().save(ICON, optimize=True)


if __name__ == "__main__":
    main()
