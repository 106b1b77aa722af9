# SPDX-License-Identifier: Apache-2.0
"""Colours: outfits are saturated, backgrounds pastel, so that subjects pop and can be measured."""

from __future__ import annotations

import colorsys

Rgb = tuple[int, int, int]

_OUTFIT_HSV: dict[str, tuple[float, float, float]] = {
    "red": (0, 0.83, 0.88),
    "orange": (27, 0.90, 0.97),
    "yellow": (51, 0.85, 0.98),
    "lime": (82, 0.80, 0.84),
    "green": (134, 0.80, 0.64),
    "turquoise": (174, 0.82, 0.76),
    "blue": (211, 0.84, 0.90),
    "indigo": (245, 0.72, 0.78),
    "purple": (285, 0.72, 0.76),
    "pink": (329, 0.70, 0.97),
}

OUTFIT_HUE: dict[str, float] = {name: hsv[0] for name, hsv in _OUTFIT_HSV.items()}
"""Hue in degrees of every outfit colour; neighbours are at least 24 degrees apart."""

LIGHT = {"day": 1.0, "sunset": 0.97, "night": 0.86}
"""How bright characters are at each time of day (their hues never change)."""

_BACKDROP_SATURATION = 0.50
_GRADE = {"day": (1.0, 1.0, 1.0), "sunset": (1.02, 0.80, 0.74), "night": (0.40, 0.47, 0.68)}

SKY = {
    "day": ((152, 205, 236), (226, 241, 245)),
    "sunset": ((150, 132, 178), (250, 196, 152)),
    "night": ((40, 48, 82), (74, 90, 140)),
}
"""Top and horizon colour of the sky."""


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    """RGB bytes of a colour given by hue in degrees, saturation and value in 0..1."""
    r, g, b = colorsys.hsv_to_rgb((hue % 360) / 360, saturation, value)
    return round(255 * r), round(255 * g), round(255 * b)


def outfit(name: str, light: float = 1.0) -> Rgb:
    """RGB of an outfit colour under the given light."""
    h, s, v = _OUTFIT_HSV[name]
    return hsv(h, s, v * light)


def scale(colour: Rgb, factor: float) -> Rgb:
    """The colour made darker or lighter by `factor`."""
    r, g, b = (min(255, round(c * factor)) for c in colour)
    return r, g, b


def mix(a: Rgb, b: Rgb, t: float) -> Rgb:
    """From `a` (t = 0) to `b` (t = 1)."""
    r, g, bl = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return r, g, bl


def graded(colour: Rgb, time: str) -> Rgb:
    """A daylight background colour as it looks at `time`."""
    r, g, b = (min(255.0, c * k) for c, k in zip(colour, _GRADE[time], strict=True))
    strongest, weakest = max(r, g, b), min(r, g, b)
    if weakest < (1 - _BACKDROP_SATURATION) * strongest:
        # Only outfits may be saturated: pull the weaker channels up towards the strongest.
        pull = 1.0 - _BACKDROP_SATURATION * strongest / (strongest - weakest)
        r, g, b = (c + (strongest - c) * pull for c in (r, g, b))
    return round(r), round(g), round(b)
