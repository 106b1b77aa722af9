# SPDX-License-Identifier: Apache-2.0
"""The cast: eight kinds with distinct silhouettes, a coat, and a scarf or hat, that turn as if solid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from . import canvas
from .faces import BEAK, FACES, HAIR, HEAD_RX, HEAD_RY, HEAD_Y, LOOKS, WHITE, Look
from .figure import Figure
from .motion import Pose
from .palette import LIGHT, Rgb, mix, outfit, scale
from .spec import CharacterSpec


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
    look = LOOKS[who.kind]
    lit = Look(*(scale(c, light) for c in (look.skin, look.light, look.limbs, look.inner)))
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


def _leg(f: Figure, look: Look, side: int) -> None:
    dx, dy = f.pose.feet[side]
    sign = -1 if side == 0 else 1
    spread = 0.085 * max(0.45, abs(np.cos(f.pose.yaw)))
    hip = (sign * spread, 0.20)
    foot = (sign * spread + dx, 0.035 + dy)
    f.limb(hip, foot, 0.065, 0.052, look.limbs)
    toe = 0.035 * np.sin(f.pose.yaw)
    f.ellipse(foot[0] + toe, foot[1], 0.078, 0.045, look.limbs)
    f.flush()


def _arm(f: Figure, look: Look, coat: Rgb, side: int) -> None:
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
    w = 0.84 + 0.16 * abs(float(np.cos(f.pose.yaw)))
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
            f.ellipse(x * 1.1 + 0.045, y, 0.018, 0.018, scale(WHITE, light), outline=False)
    f.flush()


def _head(f: Figure, kind: str, look: Look, light: float) -> None:
    if kind == "robot":
        f.add(canvas.rounded_box(0, HEAD_Y, 0.285, 0.225, 5.0), look.skin)
    else:
        f.ellipse(0, HEAD_Y, HEAD_RX, HEAD_RY, look.skin)
        if kind == "fox":
            for sign in (-1, 1):
                f.add(
                    canvas.poly([(sign * 0.16, 0.76), (sign * 0.335, 0.60), (sign * 0.13, 0.50)]), look.skin
                )
        elif kind == "girl":
            f.add(canvas.ellipse(0, HEAD_Y + 0.025, HEAD_RX + 0.02, HEAD_RY + 0.012), scale(HAIR, light))
    f.flush()
    FACES[kind](f, look, light)
    f.flush()


def _ears(f: Figure, kind: str, look: Look, *, behind: bool) -> None:
    """Ears, antennae, plaits, plume; a plait on the near side is drawn after the head, all else before it."""
    if kind == "girl":
        _plaits(f, behind=behind)
    elif behind and kind in _HEADGEAR:
        _HEADGEAR[kind](f, look)
    f.flush()


def _plaits(f: Figure, *, behind: bool) -> None:
    for side in (-1, 1):
        s, c = f.longitude(side * 78)
        if (c < 0) == behind:
            x = s * 0.30
            f.limb((x, 0.66), (x + s * 0.05, 0.44), 0.075, 0.045, HAIR)


def _antenna(f: Figure, look: Look) -> None:
    f.limb((0, 0.90), (0, 1.03), 0.014, 0.014, look.limbs)
    f.ellipse(0, 1.06, 0.042, 0.042, mix(BEAK, (220, 80, 70), 0.2))
    for side in (-1, 1):
        s, _ = f.longitude(side * 90)
        f.ellipse(s * 0.29, HEAD_Y, 0.05, 0.07, look.limbs)


def _plume(f: Figure, look: Look) -> None:
    s, _ = f.longitude(180)
    feather = [(0.0, 0.93), (s * 0.10 - 0.03, 1.07), (s * 0.26 - 0.05, 1.05), (s * 0.34 - 0.04, 0.90)]
    f.add(canvas.poly([*feather, (s * 0.22, 0.86)]), mix(look.light, WHITE, 0.3))


def _ear_pair(f: Figure) -> list[tuple[float, bool]]:
    """Sideways place of both ears and whether their inner side is seen."""
    front = f.longitude(0)[1] > 0
    return [(f.longitude(side * 78)[0], front) for side in (-1, 1)]


def _fox_ears(f: Figure, look: Look) -> None:
    for s, _ in _ear_pair(f):
        x = s * 0.20
        tip = (x + s * 0.06, 1.11)
        f.add(canvas.poly([(x - 0.115, 0.80), tip, (x + 0.115, 0.80)]), look.skin)
        dark = [(x - 0.03 + s * 0.035, 1.01), tip, (x + 0.03 + s * 0.04, 1.01)]
        f.add(canvas.poly(dark), look.inner, outline=False)


def _cat_ears(f: Figure, look: Look) -> None:
    for s, front in _ear_pair(f):
        x = s * 0.20
        f.add(canvas.poly([(x - 0.10, 0.82), (x + s * 0.035, 1.035), (x + 0.10, 0.82)]), look.skin)
        if front:
            inner = [(x - 0.045, 0.86), (x + s * 0.03, 0.985), (x + 0.045, 0.86)]
            f.add(canvas.poly(inner), look.inner, outline=False)


def _bear_ears(f: Figure, look: Look) -> None:
    for s, front in _ear_pair(f):
        f.ellipse(s * 0.216, 0.905, 0.092, 0.092, look.skin)
        if front:
            f.ellipse(s * 0.216, 0.905, 0.052, 0.052, look.inner, outline=False)


def _rabbit_ears(f: Figure, look: Look) -> None:
    for s, front in _ear_pair(f):
        f.ellipse(s * 0.165, 1.06, 0.068, 0.20, look.skin, angle=-0.18 * s)
        if front:
            f.ellipse(s * 0.165, 1.05, 0.034, 0.14, look.inner, outline=False, angle=-0.18 * s)


_HEADGEAR: dict[str, Callable[[Figure, Look], None]] = {
    "fox": _fox_ears,
    "cat": _cat_ears,
    "bear": _bear_ears,
    "rabbit": _rabbit_ears,
    "robot": _antenna,
    "knight": _plume,
}


def _tail(f: Figure, kind: str, look: Look, *, behind: bool) -> None:
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
    f.ellipse(0, base + 0.225, 0.055, 0.050, mix(colour, WHITE, 0.35))
    f.add(dome, colour)
    f.flush()
    f.add(canvas.rounded_box(0, base + 0.005, half + 0.03, 0.048, 3.0), scale(colour, 0.86))
    f.flush()
