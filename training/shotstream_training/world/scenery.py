# SPDX-License-Identifier: Apache-2.0
"""The eight settings: what stands in their far, middle and near layers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from . import canvas
from .layer import CANVAS_HEIGHT, CANVAS_WIDTH, HORIZON, Layer
from .palette import SKY, Rgb, mix, scale


def _sky(layer: Layer, rng: np.random.Generator, *, clouds: int) -> None:
    top, low = SKY[layer.time]
    rows = np.arange(layer.colour.shape[0]) / (HORIZON * canvas.SUPERSAMPLE)
    ramp = np.clip(rows, 0, 1)[:, None] * (np.array(low) - np.array(top)) + np.array(top)
    layer.colour[:] = np.rint(ramp)[:, None, :].astype(np.uint8)
    sun_x = CANVAS_WIDTH / 2 + float(rng.uniform(-38, 38))
    if layer.time == "night":
        for x, y, r in zip(
            rng.uniform(0, CANVAS_WIDTH, 46),
            rng.uniform(2, HORIZON - 14, 46),
            rng.uniform(0.35, 0.8, 46),
            strict=True,
        ):
            layer.ellipse(x, y, r, r, (236, 238, 250), glows=True)
        layer.ellipse(sun_x, 25, 7.5, 7.5, (244, 240, 214), glows=True)
        layer.ellipse(sun_x + 3.4, 23, 6.4, 6.4, mix(top, low, 0.35), glows=True)
    elif layer.time == "sunset":
        layer.ellipse(sun_x, HORIZON - 11, 17, 17, (252, 208, 162), glows=True)
        layer.ellipse(sun_x, HORIZON - 11, 11, 11, (255, 228, 178), glows=True)
    else:
        layer.ellipse(sun_x, 22, 8, 8, (255, 246, 208), glows=True)
    cloud = {"day": (246, 250, 252), "sunset": (246, 190, 178), "night": (70, 82, 126)}[layer.time]
    for _ in range(clouds):
        x, y, s = (
            float(rng.uniform(0, CANVAS_WIDTH)),
            float(rng.uniform(14, 36)),
            float(rng.uniform(0.7, 1.25)),
        )
        for dx, dy, rx, ry in ((-9, 1, 8, 4), (0, -2, 9, 6), (9, 1, 9, 4)):
            layer.ellipse(x + dx * s, y + dy * s, rx * s, ry * s, cloud, glows=True)


def _ground(layer: Layer, colour: Rgb, near: Rgb, top: float = HORIZON) -> None:
    layer.box(-2, top, CANVAS_WIDTH + 2, CANVAS_HEIGHT + 2, colour)
    layer.box(-2, top + 21, CANVAS_WIDTH + 2, CANVAS_HEIGHT + 2, mix(colour, near, 0.5))
    layer.box(-2, top + 34, CANVAS_WIDTH + 2, CANVAS_HEIGHT + 2, near)


def _scatter(rng: np.random.Generator, step: float, jitter: float) -> list[float]:
    return [float(x + rng.uniform(-jitter, jitter)) for x in np.arange(step / 2, CANVAS_WIDTH, step)]


def _forest(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=3)
    for x in _scatter(rng, 9, 3):
        h = float(rng.uniform(20, 34))
        far.peaks([(x - 8, HORIZON), (x, HORIZON - h), (x + 8, HORIZON)], HORIZON, (158, 192, 172))
    for x in _scatter(rng, 25, 6):
        s = float(rng.uniform(0.85, 1.2))
        mid.box(x - 2.2 * s, HORIZON - 14 * s, x + 2.2 * s, HORIZON + 5, (136, 108, 90))
        tone = scale((104, 156, 122), float(rng.uniform(0.9, 1.1)))
        for k, (w, up) in enumerate(((13, 10), (11, 22), (8, 33))):
            mid.shape(
                canvas.poly(
                    [
                        (x - w * s, HORIZON - up * s),
                        (x, HORIZON - (up + 17) * s),
                        (x + w * s, HORIZON - up * s),
                    ]
                ),
                scale(tone, 1.0 + 0.07 * k),
            )
    _ground(near, (146, 178, 126), (122, 156, 108))
    for x in _scatter(rng, 15, 6):
        y = float(rng.uniform(HORIZON + 4, CANVAS_HEIGHT - 8))
        near.ellipse(x, y, 4.5, 1.5, (130, 164, 114))
    for x in _scatter(rng, 42, 14):
        near.ellipse(x, HORIZON + 1, 8, 4.5, (112, 158, 118))


def _beach(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=4)
    far.box(-2, HORIZON - 13, CANVAS_WIDTH + 2, CANVAS_HEIGHT, (122, 178, 200))
    for x in _scatter(rng, 17, 8):
        y = float(rng.uniform(HORIZON - 11, HORIZON - 2))
        far.box(x - 4, y, x + 4, y + 0.7, (196, 226, 232))
    for x in _scatter(rng, 74, 14):
        lean = float(rng.uniform(-6, 6))
        mid.shape(
            canvas.poly(
                [
                    (x - 2, HORIZON + 5),
                    (x + lean - 1, HORIZON - 32),
                    (x + lean + 1, HORIZON - 32),
                    (x + 2.4, HORIZON + 5),
                ]
            ),
            (168, 138, 108),
        )
        for angle in (-0.25, 0.45, 1.0, 2.1, 2.7, 3.4):
            mid.shape(
                canvas.ellipse(
                    x + lean + 8.5 * np.cos(angle),
                    HORIZON - 31 + 5.0 * np.sin(angle),
                    9.5,
                    2.3,
                    angle * 0.6 if angle < 1.5 else (angle - np.pi) * 0.6,
                ),
                (120, 168, 128),
            )
    _ground(near, (238, 222, 182), (228, 206, 162))
    near.ridge(HORIZON + rng.uniform(-1.2, 1.2, 14), HORIZON + 3, (248, 246, 236))
    near.ridge(HORIZON + 2.2 + rng.uniform(-1.0, 1.0, 14), HORIZON + 8, (238, 222, 182))
    for x in _scatter(rng, 30, 12):
        y = float(rng.uniform(HORIZON + 10, CANVAS_HEIGHT - 8))
        near.ellipse(x, y, 2.0, 1.1, (246, 238, 222))


def _city(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=2)
    x = -4.0
    while x < CANVAS_WIDTH:
        w, h = float(rng.uniform(10, 17)), float(rng.uniform(24, 46))
        far.box(x, HORIZON - h, x + w, HORIZON + 4, scale((176, 186, 206), float(rng.uniform(0.92, 1.06))))
        x += w + float(rng.uniform(0, 3))
    x = -6.0
    while x < CANVAS_WIDTH:
        w, h = float(rng.uniform(26, 36)), float(rng.uniform(26, 40))
        wall = [(206, 176, 164), (188, 182, 196), (214, 198, 172), (172, 186, 190)][int(rng.integers(4))]
        mid.box(x, HORIZON - h, x + w, HORIZON + 4, wall)
        mid.box(x - 1, HORIZON - h - 2, x + w + 1, HORIZON - h, scale(wall, 0.82))
        for wx in np.arange(x + 4, x + w - 5, 8):
            for wy in np.arange(HORIZON - h + 5, HORIZON - 12, 10):
                lit = far.time != "day" and rng.uniform() < 0.6
                mid.box(wx, wy, wx + 4.5, wy + 6, (246, 222, 160) if lit else (150, 172, 190), glows=lit)
        mid.box(x + 4, HORIZON - 9, x + w - 4, HORIZON + 4, scale(wall, 0.70))
        mid.box(
            x + 2,
            HORIZON - 11,
            x + w - 2,
            HORIZON - 8,
            [(196, 140, 134), (134, 168, 152)][int(rng.integers(2))],
        )
        x += w + 1.5
    _ground(near, (186, 186, 192), (134, 138, 150))
    near.box(-2, HORIZON + 19, CANVAS_WIDTH + 2, HORIZON + 21.5, (212, 212, 216))
    for lamp in _scatter(rng, 62, 6):
        near.box(lamp - 0.8, HORIZON - 26, lamp + 0.8, HORIZON + 6, (92, 96, 110))
        near.ellipse(
            lamp,
            HORIZON - 27,
            3.2,
            3.2,
            (255, 236, 176) if far.time != "day" else (226, 228, 220),
            glows=far.time != "day",
        )
    for dash in range(0, CANVAS_WIDTH, 22):
        near.box(dash, HORIZON + 38, dash + 11, HORIZON + 39.6, (216, 214, 204))


def _desert(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=1)
    x = -10.0
    while x < CANVAS_WIDTH:
        w, h = float(rng.uniform(32, 56)), float(rng.uniform(14, 25))
        far.peaks(
            [(x, HORIZON), (x + 7, HORIZON - h), (x + w - 7, HORIZON - h), (x + w, HORIZON)],
            HORIZON + 2,
            (214, 166, 140),
        )
        far.box(x + 5, HORIZON - h * 0.55, x + w - 5, HORIZON - h * 0.42, (200, 150, 126))
        x += w + float(rng.uniform(8, 30))
    mid.ridge(HORIZON - 6 + rng.uniform(-6, 5, 8), CANVAS_HEIGHT, (232, 200, 150))
    for x in _scatter(rng, 52, 12):
        h = float(rng.uniform(17, 25))
        green = (128, 164, 124)
        mid.shape(canvas.capsule(x, HORIZON + 3, x, HORIZON - h, 2.6, 2.6), green)
        for sign, y in ((-1, 0.42), (1, 0.58)):
            mid.shape(canvas.capsule(x, HORIZON - h * y, x + sign * 6.5, HORIZON - h * y, 1.7, 1.7), green)
            mid.shape(
                canvas.capsule(
                    x + sign * 6.5, HORIZON - h * y, x + sign * 6.5, HORIZON - h * (y + 0.33), 1.7, 1.7
                ),
                green,
            )
    _ground(near, (238, 210, 160), (226, 190, 138), HORIZON + 1)
    for x in _scatter(rng, 34, 12):
        y = float(rng.uniform(HORIZON + 6, CANVAS_HEIGHT - 8))
        near.shape(canvas.capsule(x - 9, y, x + 9, y, 0.5, 0.5), (216, 182, 132))
    for x in _scatter(rng, 58, 20):
        near.ellipse(x, HORIZON + 3, 4.5, 2.8, (190, 154, 128))


def _mountain(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=2)
    for x in _scatter(rng, 46, 9):
        h, w = float(rng.uniform(34, 50)), float(rng.uniform(34, 44))
        far.peaks([(x - w, HORIZON), (x, HORIZON - h), (x + w, HORIZON)], HORIZON + 2, (150, 164, 190))
        k = 0.42
        far.shape(
            canvas.poly(
                [
                    (x, HORIZON - h),
                    (x + w * k, HORIZON - h * (1 - k)),
                    (x + w * 0.2, HORIZON - h * 0.66),
                    (x + w * 0.05, HORIZON - h * 0.52),
                    (x - w * 0.16, HORIZON - h * 0.68),
                    (x - w * k, HORIZON - h * (1 - k)),
                ]
            ),
            (246, 250, 253),
        )
    mid.ridge(HORIZON - 5 + rng.uniform(-4, 4, 9), CANVAS_HEIGHT, (220, 230, 240))
    for x in _scatter(rng, 33, 10):
        s = float(rng.uniform(0.6, 0.95))
        mid.box(x - 1.4, HORIZON - 8, x + 1.4, HORIZON + 2, (120, 104, 98))
        for w, y in ((9, 6), (7.5, 15), (5.5, 23)):
            mid.shape(
                canvas.poly(
                    [(x - w * s, HORIZON - y * s), (x, HORIZON - (y + 13) * s), (x + w * s, HORIZON - y * s)]
                ),
                (104, 140, 142),
            )
            mid.shape(
                canvas.poly(
                    [
                        (x - w * s * 0.45, HORIZON - (y + 7) * s),
                        (x, HORIZON - (y + 13) * s),
                        (x + w * s * 0.45, HORIZON - (y + 7) * s),
                    ]
                ),
                (240, 246, 250),
            )
    _ground(near, (240, 244, 249), (222, 231, 242))
    for x in _scatter(rng, 26, 10):
        near.ellipse(x, float(rng.uniform(HORIZON + 5, CANVAS_HEIGHT - 8)), 8, 1.5, (226, 234, 244))


def _meadow(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=5)
    far.ridge(HORIZON - 15 + rng.uniform(-8, 6, 7), CANVAS_HEIGHT, (178, 206, 176))
    mid.ridge(HORIZON - 5 + rng.uniform(-5, 4, 7), CANVAS_HEIGHT, (168, 202, 140))
    for x in _scatter(rng, 70, 24):
        mid.box(x - 1.6, HORIZON - 16, x + 1.6, HORIZON, (146, 116, 94))
        for dx, dy, r in ((-6, -17, 7), (6, -17, 7), (0, -23, 8.5)):
            mid.ellipse(x + dx, HORIZON + dy, r, r, (138, 182, 126))
    for post in range(0, CANVAS_WIDTH, 11):
        mid.box(post, HORIZON - 7, post + 1.8, HORIZON + 3, (240, 236, 226))
    for y in (-5.5, -2.0):
        mid.box(-2, HORIZON + y, CANVAS_WIDTH + 2, HORIZON + y + 1.2, (240, 236, 226))
    _ground(near, (176, 210, 142), (152, 190, 122))
    for x in _scatter(rng, 8, 4):
        y = float(rng.uniform(HORIZON + 3, CANVAS_HEIGHT - 5))
        petal = [(250, 246, 240), (244, 196, 196), (248, 232, 170)][int(rng.integers(3))]
        near.ellipse(x, y, 1.3, 1.3, petal)


def _kitchen(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=2)
    wall, frame = (238, 222, 200), (250, 246, 238)
    holes = [
        (x - 15, x + 15)
        for x in (float(CANVAS_WIDTH * 0.26), float(CANVAS_WIDTH * 0.58), float(CANVAS_WIDTH * 0.92))
    ]
    left = -2.0
    for x0, x1 in holes:
        mid.box(left, -2, x0, CANVAS_HEIGHT + 2, wall)
        left = x1
    mid.box(left, -2, CANVAS_WIDTH + 2, CANVAS_HEIGHT + 2, wall)
    for x0, x1 in holes:
        mid.box(x0 - 1, -2, x1 + 1, 14, wall)
        mid.box(x0 - 1, 38, x1 + 1, CANVAS_HEIGHT + 2, wall)
        for left, top, right, bottom in (
            (x0 - 1.5, 13, x1 + 1.5, 15),
            (x0 - 2.5, 37, x1 + 2.5, 39.5),
            (x0 - 1.5, 13, x0 + 0.8, 39),
            (x1 - 0.8, 13, x1 + 1.5, 39),
            ((x0 + x1) / 2 - 0.8, 13, (x0 + x1) / 2 + 0.8, 39),
        ):
            mid.box(left, top, right, bottom, frame)
        for sign, edge in ((1, x0 - 1), (-1, x1 + 1)):
            mid.shape(
                canvas.poly(
                    [
                        (edge - 2 * sign, 12),
                        (edge + 8 * sign, 12),
                        (edge + 3 * sign, 26),
                        (edge + 1 * sign, 38),
                        (edge - 2 * sign, 38),
                    ]
                ),
                (214, 172, 160),
            )
    for a, b in pairwise(holes):
        x0, x1 = a[1] + 10, b[0] - 10
        mid.box(x0, 12, x1, 30, (196, 162, 130))
        middle = (x0 + x1) / 2
        mid.box(x0 + 1.5, 14, middle - 1, 28, (212, 180, 148))
        mid.box(middle + 1, 14, x1 - 1.5, 28, (212, 180, 148))
        for k in range(3):
            px = x0 + 6 + k * 10
            mid.ellipse(px, 41, 2.6, 3.2, [(176, 196, 190), (216, 190, 150), (190, 170, 190)][k])
    mid.box(-2, 44, CANVAS_WIDTH + 2, 47, (236, 232, 226))
    for x in range(-2, CANVAS_WIDTH, 24):
        mid.box(x, 47, x + 23, HORIZON + 4, (168, 190, 186))
        mid.box(x + 2, 49, x + 21, HORIZON + 2, (182, 204, 198))
        mid.ellipse(x + 18, 53, 0.9, 0.9, (120, 130, 130))
    _ground(near, (216, 190, 160), (204, 174, 144), HORIZON + 2)
    for row, y in enumerate((HORIZON + 2, HORIZON + 11, HORIZON + 23, HORIZON + 37)):
        bottom = (HORIZON + 11, HORIZON + 23, HORIZON + 37, CANVAS_HEIGHT + 2)[row]
        for x in range(-24 + 12 * (row % 2), CANVAS_WIDTH, 24):
            near.box(x, y, x + 12, bottom, (226, 204, 176))


def _harbour(far: Layer, mid: Layer, near: Layer, rng: np.random.Generator) -> None:
    _sky(far, rng, clouds=3)
    far.ridge(HORIZON - 15 + rng.uniform(-4, 3, 8), HORIZON - 8, (164, 180, 190))
    far.box(-2, HORIZON - 12, CANVAS_WIDTH + 2, CANVAS_HEIGHT, (128, 164, 184))
    for x in _scatter(rng, 19, 8):
        y = float(rng.uniform(HORIZON - 9, HORIZON))
        far.box(x - 5, y, x + 5, y + 0.7, (166, 196, 208))
    for k, x in enumerate(_scatter(rng, 50, 8)):
        hull = [(186, 120, 112), (116, 138, 166), (212, 194, 150)][k % 3]
        mid.box(x - 0.7, HORIZON - 34, x + 0.7, HORIZON - 8, (134, 112, 96))
        mid.shape(
            canvas.poly([(x + 1.6, HORIZON - 32), (x + 14, HORIZON - 12), (x + 1.6, HORIZON - 12)]),
            (246, 242, 232),
        )
        mid.shape(
            canvas.poly([(x - 1.6, HORIZON - 28), (x - 10, HORIZON - 12), (x - 1.6, HORIZON - 12)]),
            (230, 222, 208),
        )
        mid.shape(
            canvas.poly(
                [(x - 17, HORIZON - 10), (x + 18, HORIZON - 10), (x + 12, HORIZON - 2), (x - 12, HORIZON - 2)]
            ),
            hull,
        )
        mid.box(x - 17, HORIZON - 10.5, x + 18, HORIZON - 8.8, (244, 240, 232))
    _ground(near, (186, 160, 136), (168, 142, 120), HORIZON + 4)
    for y in (HORIZON + 11, HORIZON + 19, HORIZON + 29, HORIZON + 41):
        near.box(-2, y, CANVAS_WIDTH + 2, y + 0.9, (144, 120, 102))
    for x in _scatter(rng, 40, 4):
        near.box(x - 2.4, HORIZON - 4, x + 2.4, HORIZON + 9, (130, 106, 90))
        near.ellipse(x, HORIZON - 4, 2.4, 1.1, (156, 132, 112))


PAINTERS: dict[str, Callable[[Layer, Layer, Layer, np.random.Generator], None]] = {
    "forest": _forest,
    "beach": _beach,
    "city": _city,
    "desert": _desert,
    "mountain": _mountain,
    "meadow": _meadow,
    "kitchen": _kitchen,
    "harbour": _harbour,
}
