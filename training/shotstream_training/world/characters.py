# SPDX-License-Identifier: Apache-2.0
"""The cast: eight kinds with distinct silhouettes, a coat, and a scarf or hat, that turn as if solid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import canvas
from .figure import Figure
from .motion import Pose
from .palette import LIGHT, Rgb, mix, outfit, scale
from .spec import CharacterSpec

_HEAD_Y, _HEAD_RX, _HEAD_RY = 0.70, 0.27, 0.245
_DARK: Rgb = (44, 38, 52)
_WHITE: Rgb = (250, 248, 244)


@dataclass(frozen=True)
class _Look:
    skin: Rgb
    light: Rgb
    limbs: Rgb
    inner: Rgb = (238, 178, 178)


_LOOKS: dict[str, _Look] = {
    "fox": _Look((226, 132, 70), (252, 240, 226), (92, 58, 52), (84, 54, 54)),
    "cat": _Look((134, 138, 152), (226, 226, 232), (108, 110, 126)),
    "bear": _Look((132, 94, 70), (208, 172, 138), (108, 76, 58), (190, 144, 118)),
    "rabbit": _Look((244, 236, 226), (255, 250, 244), (226, 214, 202), (240, 188, 188)),
    "robot": _Look((176, 188, 198), (60, 70, 88), (120, 132, 146)),
    "girl": _Look((250, 212, 184), (250, 212, 184), (84, 74, 96)),
    "knight": _Look((158, 166, 184), (196, 204, 220), (112, 120, 140)),
    "penguin": _Look((56, 60, 80), (248, 246, 240), (238, 166, 72)),
}
_HAIR: Rgb = (104, 64, 46)
_BEAK: Rgb = (240, 170, 74)


def draw_character(
    image: NDArray[np.uint8],
    who: CharacterSpec,
    pose: Pose,
    *,
    x: float,
    ground: float,
    height: float,
    time: str,
) -> None:
    """Draws one character with its feet at (x, ground), `height` pixels tall, on a supersampled image.

    Args:
        image: uint8 [2 H, 2 W, 3], changed in place.
        who: kind and outfit. pose: joint state. time: time of day, sets the light.
    """
    light = LIGHT[time]
    look = _LOOKS[who.kind]
    lit = _Look(*(scale(c, light) for c in (look.skin, look.light, look.limbs, look.inner)))
    figure = Figure(image, pose, x, ground, height)
    coat = outfit(who.coat, light)
    accent = outfit(who.accessory_colour, light)
    _tail(figure, who.kind, lit, behind=True)
    _ears(figure, who.kind, lit, behind=True)
    far = 0 if pose.yaw_sine > 0 else 1
    _leg(figure, lit, far)
    _leg(figure, lit, 1 - far)
    turned = abs(pose.yaw_sine) > 0.45
    raised = [abs(a) > 1.6 for a in pose.arms]
    for side in (0, 1):
        if (turned and side == far) or raised[side]:
            _arm(figure, lit, coat, side)
    _torso(figure, coat, light)
    for side in (0, 1):
        if not ((turned and side == far) or raised[side]):
            _arm(figure, lit, coat, side)
    _tail(figure, who.kind, lit, behind=False)
    _head(figure, who.kind, lit, light)
    _ears(figure, who.kind, lit, behind=False)
    if who.accessory == "scarf":
        _scarf(figure, accent)
    else:
        _hat(figure, who.kind, accent)
    figure.draw()


def _leg(f: Figure, look: _Look, side: int) -> None:
    dx, dy = f.pose.feet[side]
    sign = -1 if side == 0 else 1
    spread = 0.085 * max(0.45, abs(np.cos(f.pose.yaw)))
    hip = (sign * spread, 0.20)
    foot = (sign * spread + dx, 0.035 + dy)
    f.limb(hip, foot, 0.065, 0.052, look.limbs)
    toe = 0.035 * np.sin(f.pose.yaw)
    f.ellipse(foot[0] + toe, foot[1], 0.078, 0.045, look.limbs)
    f.flush()


def _arm(f: Figure, look: _Look, coat: Rgb, side: int) -> None:
    angle = f.pose.arms[side]
    sign = -1 if side == 0 else 1
    shoulder = (sign * 0.145 * max(0.35, abs(np.cos(f.pose.yaw))), 0.415)
    length = 0.20 if abs(angle) < 1.6 else 0.30
    hand = (shoulder[0] + length * np.sin(angle), shoulder[1] - length * np.cos(angle))
    f.ellipse(hand[0], hand[1], 0.052, 0.052, look.skin)
    f.limb(
        shoulder,
        (shoulder[0] + (hand[0] - shoulder[0]) * 0.86, shoulder[1] + (hand[1] - shoulder[1]) * 0.86),
        0.058,
        0.054,
        scale(coat, 0.93),
    )
    f.flush()


def _torso(f: Figure, coat: Rgb, light: float) -> None:
    narrow = 0.84 + 0.16 * abs(np.cos(f.pose.yaw))
    w = np.array(narrow)
    f.add(
        canvas.poly(
            [
                (-0.135 * w, 0.50),
                (0.135 * w, 0.50),
                (0.185 * w, 0.36),
                (0.225 * w, 0.20),
                (0.215 * w, 0.150),
                (0.13 * w, 0.128),
                (-0.13 * w, 0.128),
                (-0.215 * w, 0.150),
                (-0.225 * w, 0.20),
                (-0.185 * w, 0.36),
            ]
        ),
        coat,
    )
    s, c = f.longitude(0)
    if c > 0:
        x = s * 0.15
        f.add(
            canvas.poly(
                [(x - 0.010, 0.47), (x + 0.010, 0.47), (x * 1.25 + 0.010, 0.145), (x * 1.25 - 0.010, 0.145)]
            ),
            scale(coat, 0.72),
            outline=False,
        )
        for y in (0.36, 0.26):
            f.ellipse(x * 1.1 + 0.045, y, 0.018, 0.018, scale(_WHITE, light), outline=False)
    f.flush()


def _head(f: Figure, kind: str, look: _Look, light: float) -> None:
    if kind == "robot":
        f.add(canvas.rounded_box(0, _HEAD_Y, 0.285, 0.225, 5.0), look.skin)
    else:
        f.ellipse(0, _HEAD_Y, _HEAD_RX, _HEAD_RY, look.skin)
        if kind == "fox":
            for sign in (-1, 1):
                f.add(
                    canvas.poly([(sign * 0.16, 0.76), (sign * 0.335, 0.60), (sign * 0.13, 0.50)]), look.skin
                )
        elif kind == "girl":
            f.add(canvas.ellipse(0, _HEAD_Y + 0.025, _HEAD_RX + 0.02, _HEAD_RY + 0.012), scale(_HAIR, light))
    f.flush()
    _FACES[kind](f, look, light)
    f.flush()


def _eyes(f: Figure, degrees: float, y: float, radius: float, colour: Rgb, glint: Rgb | None) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * degrees)
        if c > 0.12:
            rx = radius * (0.45 + 0.55 * c)
            f.ellipse(s * _HEAD_RX * 0.88, y, rx, radius * 1.25 * f.pose.eyes, colour, outline=False)
            if glint is not None and f.pose.eyes > 0.9:
                f.ellipse(
                    s * _HEAD_RX * 0.88 + 0.012, y + 0.018, radius * 0.33, radius * 0.36, glint, outline=False
                )


def _cheeks(f: Figure, colour: Rgb) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 46)
        if c > 0.25:
            f.ellipse(s * _HEAD_RX * 0.86, 0.615, 0.042 * c, 0.028, colour, outline=False)


def _muzzle(f: Figure, look: _Look, rx: float, ry: float, y: float, nose: float, nose_colour: Rgb) -> None:
    s, c = f.longitude(0)
    if c > -0.05:
        x = s * 0.225
        f.ellipse(x, y, rx * (0.55 + 0.45 * max(c, 0)), ry, look.light, outline=False)
        f.ellipse(x + s * 0.035, y + ry * 0.5, nose, nose * 0.75, nose_colour, outline=False)
        if c > 0.3:
            f.add(
                canvas.smile(x, y - ry * 0.18, 0.042, 0.020),
                _DARK,
                outline=False,
            )


def _face_fox(f: Figure, look: _Look, light: float) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 40)
        if c > 0.1:
            f.ellipse(s * 0.20, 0.585, 0.115 * (0.4 + 0.6 * c), 0.085, look.light, outline=False)
    _muzzle(f, look, 0.115, 0.085, 0.595, 0.036, _DARK)
    _eyes(f, 27, 0.70, 0.036, _DARK, scale(_WHITE, light))


def _face_cat(f: Figure, look: _Look, light: float) -> None:
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
                    scale(_WHITE, light),
                    outline=False,
                )
    _eyes(f, 30, 0.70, 0.045, (70, 140, 96), None)
    _eyes(f, 30, 0.70, 0.026, _DARK, scale(_WHITE, light))


def _face_bear(f: Figure, look: _Look, light: float) -> None:
    _muzzle(f, look, 0.125, 0.095, 0.605, 0.045, _DARK)
    _eyes(f, 27, 0.725, 0.034, _DARK, scale(_WHITE, light))


def _face_rabbit(f: Figure, look: _Look, light: float) -> None:
    _cheeks(f, (246, 190, 190))
    s, c = f.longitude(0)
    if c > 0.1:
        f.add(canvas.rounded_box(s * 0.24, 0.545, 0.030, 0.034), _WHITE, outline=False)
    _muzzle(f, look, 0.085, 0.055, 0.605, 0.028, (228, 140, 150))
    _eyes(f, 30, 0.705, 0.038, (104, 52, 64), scale(_WHITE, light))


def _face_robot(f: Figure, look: _Look, light: float) -> None:
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


def _face_girl(f: Figure, look: _Look, light: float) -> None:
    s, c = f.longitude(0)
    if c > -0.55:
        k = 0.35 + 0.65 * max(c, 0.0) if c > 0 else 0.35 * (1 + c / 0.55)
        f.ellipse(s * 0.085, 0.665, 0.235 * min(1.0, k + 0.15), 0.195, look.skin, outline=False)
    _cheeks(f, (244, 168, 156))
    _eyes(f, 29, 0.68, 0.038, (72, 46, 48), scale(_WHITE, light))
    if c > 0.2:
        f.add(
            canvas.smile(s * 0.24, 0.588, 0.045, 0.022),
            (196, 92, 92),
            outline=False,
        )


def _face_knight(f: Figure, look: _Look, light: float) -> None:
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


def _face_penguin(f: Figure, look: _Look, light: float) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 26)
        if c > -0.1:
            f.ellipse(s * 0.20, 0.675, 0.135 * (0.35 + 0.65 * max(c, 0.0)), 0.165, look.light, outline=False)
    _eyes(f, 28, 0.72, 0.036, _DARK, scale(_WHITE, light))
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
            scale(_BEAK, light),
            outline=False,
        )


_FACES = {
    "fox": _face_fox,
    "cat": _face_cat,
    "bear": _face_bear,
    "rabbit": _face_rabbit,
    "robot": _face_robot,
    "girl": _face_girl,
    "knight": _face_knight,
    "penguin": _face_penguin,
}


def _ears(f: Figure, kind: str, look: _Look, *, behind: bool) -> None:
    """Ears, antennae, plaits, plume. Those on the far side are drawn before the head."""
    front = f.longitude(0)[1] > 0
    if kind == "robot":
        if behind:
            f.limb((0, 0.90), (0, 1.03), 0.014, 0.014, look.limbs)
            f.ellipse(0, 1.06, 0.042, 0.042, mix(_BEAK, (220, 80, 70), 0.2))
            for side in (-1, 1):
                s, _ = f.longitude(side * 90)
                f.ellipse(s * 0.29, _HEAD_Y, 0.05, 0.07, look.limbs)
            f.flush()
        return
    if kind == "knight":
        if behind:
            s, _ = f.longitude(180)
            f.add(
                canvas.poly(
                    [
                        (0.0, 0.93),
                        (s * 0.10 - 0.03, 1.07),
                        (s * 0.26 - 0.05, 1.05),
                        (s * 0.34 - 0.04, 0.90),
                        (s * 0.22, 0.86),
                    ]
                ),
                (206, 208, 218),
            )
            f.flush()
        return
    if kind == "penguin":
        return
    for side in (-1, 1):
        s, c = f.longitude(side * 78)
        if (c < 0) != behind and kind == "girl":
            continue
        if kind != "girl" and not behind:
            continue
        x = s * 0.20
        if kind == "girl":
            x = s * 0.30
            hair = _HAIR
            f.limb((x, 0.66), (x + s * 0.05, 0.44), 0.075, 0.045, hair)
        elif kind == "fox":
            f.add(canvas.poly([(x - 0.115, 0.80), (x + s * 0.06, 1.11), (x + 0.115, 0.80)]), look.skin)
            f.add(
                canvas.poly(
                    [(x - 0.03 + s * 0.035, 1.01), (x + s * 0.06, 1.11), (x + 0.03 + s * 0.04, 1.01)]
                ),
                look.inner,
                outline=False,
            )
        elif kind == "cat":
            f.add(canvas.poly([(x - 0.10, 0.82), (x + s * 0.035, 1.035), (x + 0.10, 0.82)]), look.skin)
            if front:
                f.add(
                    canvas.poly([(x - 0.045, 0.86), (x + s * 0.03, 0.985), (x + 0.045, 0.86)]),
                    look.inner,
                    outline=False,
                )
        elif kind == "bear":
            f.ellipse(x * 1.08, 0.905, 0.092, 0.092, look.skin)
            if front:
                f.ellipse(x * 1.08, 0.905, 0.052, 0.052, look.inner, outline=False)
        elif kind == "rabbit":
            x = s * 0.135
            f.ellipse(x + s * 0.03, 1.06, 0.068, 0.20, look.skin, angle=-0.18 * s)
            if front:
                f.ellipse(x + s * 0.03, 1.05, 0.034, 0.14, look.inner, outline=False, angle=-0.18 * s)
    f.flush()


def _tail(f: Figure, kind: str, look: _Look, *, behind: bool) -> None:
    s, c = f.longitude(180)
    if (c > 0) == behind or kind not in ("fox", "cat", "rabbit", "bear"):
        return
    side = s if abs(s) > 0.25 else (0.25 if s >= 0 else -0.25)
    wag = 0.03 * np.sin(f.pose.arms[0] * 2)
    if kind == "fox":
        f.limb((side * 0.10, 0.22), (side * 0.42, 0.34 + wag), 0.05, 0.095, look.skin)
        f.ellipse(side * 0.47, 0.39 + wag, 0.07, 0.075, look.light)
    elif kind == "cat":
        f.limb((side * 0.10, 0.20), (side * 0.36, 0.26), 0.030, 0.030, look.skin)
        f.limb((side * 0.36, 0.26), (side * 0.44, 0.48 + wag), 0.030, 0.032, look.skin)
    else:
        f.ellipse(side * 0.23, 0.24, 0.07, 0.07, look.skin)
    f.flush()


def _scarf(f: Figure, colour: Rgb) -> None:
    s, c = f.longitude(30)
    tail_front = c > 0
    x = s * 0.13
    tail = canvas.capsule(x, 0.46, x + 0.03 * np.sin(f.pose.arms[1]), 0.285, 0.050, 0.058)
    if tail_front:
        f.add(tail, scale(colour, 0.90))
        f.flush()
    f.add(canvas.rounded_box(0, 0.478, 0.205, 0.068, 2.6), colour)
    f.flush()
    if tail_front:
        f.ellipse(x, 0.468, 0.058, 0.055, scale(colour, 0.94))
        f.flush()


def _hat(f: Figure, kind: str, colour: Rgb) -> None:
    base = 0.845 if kind not in ("robot",) else 0.865
    half = 0.205 if kind != "rabbit" else 0.175
    angles = np.linspace(0, np.pi, 15)
    dome = np.stack([half * np.cos(angles), base + 0.205 * np.sin(angles) ** 0.8], axis=1)
    f.ellipse(0, base + 0.225, 0.055, 0.050, mix(colour, _WHITE, 0.35))
    f.add(dome, colour)
    f.flush()
    f.add(canvas.rounded_box(0, base + 0.005, half + 0.03, 0.048, 3.0), scale(colour, 0.86))
    f.flush()
