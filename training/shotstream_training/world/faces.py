# SPDX-License-Identifier: Apache-2.0
"""The faces of the eight kinds, and the colours of their fur, skin and steel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import canvas
from .figure import Figure
from .palette import Rgb, scale

HEAD_Y, HEAD_RX, HEAD_RY = 0.70, 0.27, 0.245
DARK: Rgb = (44, 38, 52)
WHITE: Rgb = (250, 248, 244)


@dataclass(frozen=True)
class Look:
    """Colours of a kind that no outfit changes."""

    skin: Rgb
    light: Rgb
    limbs: Rgb
    inner: Rgb = (238, 178, 178)


LOOKS: dict[str, Look] = {
    "fox": Look((226, 132, 70), (252, 240, 226), (92, 58, 52), (84, 54, 54)),
    "cat": Look((134, 138, 152), (226, 226, 232), (108, 110, 126)),
    "bear": Look((132, 94, 70), (208, 172, 138), (108, 76, 58), (190, 144, 118)),
    "rabbit": Look((244, 236, 226), (255, 250, 244), (226, 214, 202), (240, 188, 188)),
    "robot": Look((176, 188, 198), (60, 70, 88), (120, 132, 146)),
    "girl": Look((250, 212, 184), (250, 212, 184), (84, 74, 96)),
    "knight": Look((158, 166, 184), (196, 204, 220), (112, 120, 140)),
    "penguin": Look((56, 60, 80), (248, 246, 240), (238, 166, 72)),
}
HAIR: Rgb = (104, 64, 46)
BEAK: Rgb = (240, 170, 74)


def _eyes(f: Figure, degrees: float, y: float, radius: float, colour: Rgb, glint: Rgb | None) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * degrees)
        if c > 0.12:
            rx = radius * (0.45 + 0.55 * c)
            f.ellipse(s * HEAD_RX * 0.88, y, rx, radius * 1.25 * f.pose.eyes, colour, outline=False)
            if glint is not None and f.pose.eyes > 0.9:
                f.ellipse(
                    s * HEAD_RX * 0.88 + 0.012, y + 0.018, radius * 0.33, radius * 0.36, glint, outline=False
                )


def _cheeks(f: Figure, colour: Rgb) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 46)
        if c > 0.25:
            f.ellipse(s * HEAD_RX * 0.86, 0.615, 0.042 * c, 0.028, colour, outline=False)


def _muzzle(f: Figure, look: Look, rx: float, ry: float, y: float, nose: float, nose_colour: Rgb) -> None:
    s, c = f.longitude(0)
    if c > -0.05:
        x = s * 0.225
        f.ellipse(x, y, rx * (0.55 + 0.45 * max(c, 0)), ry, look.light, outline=False)
        f.ellipse(x + s * 0.035, y + ry * 0.5, nose, nose * 0.75, nose_colour, outline=False)
        if c > 0.3:
            f.add(
                canvas.smile(x, y - ry * 0.18, 0.042, 0.020),
                DARK,
                outline=False,
            )


def _face_fox(f: Figure, look: Look, light: float) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 40)
        if c > 0.1:
            f.ellipse(s * 0.20, 0.585, 0.115 * (0.4 + 0.6 * c), 0.085, look.light, outline=False)
    _muzzle(f, look, 0.115, 0.085, 0.595, 0.036, DARK)
    _eyes(f, 27, 0.70, 0.036, DARK, scale(WHITE, light))


def _face_cat(f: Figure, look: Look, light: float) -> None:
    for degrees in (-12, 0, 12):
        s, c = f.longitude(degrees)
        if c > 0.2:
            f.add(
                canvas.capsule(s * 0.17, 0.925, s * 0.20, 0.845, 0.014, 0.008),
                scale(look.skin, 0.66),
                outline=False,
            )
    _muzzle(f, look, 0.10, 0.065, 0.605, 0.024, (226, 134, 142))
    for side in (-1, 1):
        s, c = f.longitude(side * 52)
        if c > 0.1:
            for k in (-1, 1):
                f.add(
                    canvas.capsule(
                        s * 0.22, 0.61 + 0.012 * k, s * 0.22 + side * 0.13, 0.615 + 0.035 * k, 0.006, 0.005
                    ),
                    scale(WHITE, light),
                    outline=False,
                )
    _eyes(f, 30, 0.70, 0.045, (70, 140, 96), None)
    _eyes(f, 30, 0.70, 0.026, DARK, scale(WHITE, light))


def _face_bear(f: Figure, look: Look, light: float) -> None:
    _muzzle(f, look, 0.125, 0.095, 0.605, 0.045, DARK)
    _eyes(f, 27, 0.725, 0.034, DARK, scale(WHITE, light))


def _face_rabbit(f: Figure, look: Look, light: float) -> None:
    _cheeks(f, (246, 190, 190))
    s, c = f.longitude(0)
    if c > 0.1:
        f.add(canvas.rounded_box(s * 0.24, 0.545, 0.030, 0.034), WHITE, outline=False)
    _muzzle(f, look, 0.085, 0.055, 0.605, 0.028, (228, 140, 150))
    _eyes(f, 30, 0.705, 0.038, (104, 52, 64), scale(WHITE, light))


def _face_robot(f: Figure, look: Look, light: float) -> None:
    s, c = f.longitude(0)
    if c > 0.05:
        f.add(
            canvas.rounded_box(s * 0.11, 0.70, 0.205 * (0.35 + 0.65 * c), 0.135, 5.0),
            look.light,
            outline=False,
        )
        for side in (-1, 1):
            es, ec = f.longitude(side * 25)
            if ec > 0.15:
                f.add(
                    canvas.rounded_box(es * 0.22, 0.72, 0.040 * (0.4 + 0.6 * ec), 0.050 * f.pose.eyes),
                    (150, 236, 240),
                    outline=False,
                )
        if c > 0.3:
            f.add(
                canvas.smile(s * 0.16, 0.648, 0.058, 0.026),
                (150, 236, 240),
                outline=False,
            )


def _face_girl(f: Figure, look: Look, light: float) -> None:
    s, c = f.longitude(0)
    if c > -0.55:
        k = 0.35 + 0.65 * max(c, 0.0) if c > 0 else 0.35 * (1 + c / 0.55)
        f.ellipse(s * 0.085, 0.665, 0.235 * min(1.0, k + 0.15), 0.195, look.skin, outline=False)
    _cheeks(f, (244, 168, 156))
    _eyes(f, 29, 0.68, 0.038, (72, 46, 48), scale(WHITE, light))
    if c > 0.2:
        f.add(
            canvas.smile(s * 0.24, 0.588, 0.045, 0.022),
            (196, 92, 92),
            outline=False,
        )


def _face_knight(f: Figure, look: Look, light: float) -> None:
    s, c = f.longitude(0)
    if c > -0.1:
        f.add(
            canvas.rounded_box(s * 0.10, 0.695, 0.205 * (0.4 + 0.6 * max(c, 0.0)), 0.062, 4.0),
            (36, 34, 50),
            outline=False,
        )
        _eyes(f, 25, 0.70, 0.030, scale((255, 244, 200), light), None)
        f.add(canvas.capsule(s * 0.25, 0.92, s * 0.262, 0.77, 0.016, 0.016), look.light, outline=False)
        for k in (-1, 0, 1):
            ks, kc = f.longitude(18 * k)
            if kc > 0.2:
                f.add(
                    canvas.capsule(ks * 0.20, 0.60, ks * 0.19, 0.545, 0.011, 0.011),
                    scale(look.skin, 0.55),
                    outline=False,
                )


def _face_penguin(f: Figure, look: Look, light: float) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 26)
        if c > -0.1:
            f.ellipse(s * 0.20, 0.675, 0.135 * (0.35 + 0.65 * max(c, 0.0)), 0.165, look.light, outline=False)
    _eyes(f, 28, 0.72, 0.036, DARK, scale(WHITE, light))
    s, c = f.longitude(0)
    if c > -0.25:
        x = s * 0.24
        f.add(
            canvas.poly(
                [
                    (x - 0.07 * (0.4 + 0.6 * max(c, 0)), 0.665),
                    (x + s * 0.13, 0.595),
                    (x, 0.565),
                    (x + 0.07 * (0.4 + 0.6 * max(c, 0)), 0.665),
                    (x, 0.685),
                ]
            ),
            scale(BEAK, light),
            outline=False,
        )


FACES: dict[str, Callable[[Figure, Look, float], None]] = {
    "fox": _face_fox,
    "cat": _face_cat,
    "bear": _face_bear,
    "rabbit": _face_rabbit,
    "robot": _face_robot,
    "girl": _face_girl,
    "knight": _face_knight,
    "penguin": _face_penguin,
}
