# SPDX-License-Identifier: Apache-2.0
"""Colours that mini does not have become the one that looks nearest, and where none is near that is said."""

from __future__ import annotations

import math

import pytest
from PIL import ImageColor
from shotstream_runtime.codecs.mini_lexicon import load_lexicon
from shotstream_runtime.codecs.mini_text import MiniTextEncoder
from shotstream_runtime.weights.locate import MINI_FOLDER

palette = pytest.importorskip("shotstream_training.world.palette", reason="the colours are the world's")

# What CSS does not name; values of paints, dyes and stones as commonly given. CSS brown is a dark red.
OTHERS = {
    "amber": "#ffbf00", "apricot": "#fbceb1", "blond": "#faf0be", "blonde": "#faf0be", "brass": "#b5a642",
    "bronze": "#cd7f32", "brown": "#784823", "burgundy": "#800020", "caramel": "#c17837",
    "cerulean": "#007ba7", "charcoal": "#36454f", "cherry": "#de3163", "chestnut": "#954535",
    "cobalt": "#0047ab", "copper": "#b87333", "cream": "#fffdd0", "ebony": "#282828", "ginger": "#b06500",
    "jade": "#00a86b", "lavender": "#b57edc", "lilac": "#c8a2c8", "mauve": "#e0b0ff", "mint": "#98ff98",
    "mustard": "#ffdb58", "ochre": "#cc7722", "peach": "#ffcba4", "pearl": "#eae0c8", "plum": "#8e4585",
    "ruby": "#e0115f", "rust": "#b7410e", "saffron": "#f4c430", "sapphire": "#0f52ba",
    "vermilion": "#e34234",
}  # fmt: skip
GREY = 0.04
"""Chroma below which a colour has no hue to speak of."""


def oklab(rgb: tuple[int, ...]) -> tuple[float, float, float]:
    """sRGB bytes as Oklab (Ottosson 2020), in which distances are differences that are seen."""
    r, g, b = (c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb[:3])
    long, mid, short = (
        math.cbrt(x * r + y * g + z * b)
        for x, y, z in (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        )
    )
    return (
        0.2104542553 * long + 0.7936177850 * mid - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * mid + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * mid - 0.8086757660 * short,
    )


DRAWN = {name: oklab(palette.outfit(name)) for name in palette.OUTFIT_HUE}


def look(word: str) -> tuple[float, float, float]:
    return oklab(ImageColor.getrgb(OTHERS.get(word, word)))


def hue_gap(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Degrees between two hues."""
    return abs((math.degrees(math.atan2(*a[:0:-1]) - math.atan2(*b[:0:-1])) + 180) % 360 - 180)


@pytest.mark.parametrize(
    ("word", "drawn"), [(w, c.name) for c in load_lexicon().group("colour") for w in c.related]
)
def test_a_colour_becomes_the_one_it_looks_like(word: str, drawn: str) -> None:
    seen = look(word)
    by_distance = min(DRAWN, key=lambda name: math.dist(seen, DRAWN[name]))
    # Pale and dark shades are far from every saturated one: there the hue decides.
    in_hue = sorted(DRAWN, key=lambda name: hue_gap(seen, DRAWN[name]))[:2]
    assert drawn == by_distance or (drawn in in_hue and hue_gap(seen, DRAWN[drawn]) < 26)


@pytest.mark.parametrize(
    ("word", "drawn"), [(w, c.name) for c in load_lexicon().group("colour") for w in c.far]
)
def test_a_colour_without_a_hue_is_drawn_by_its_lightness(word: str, drawn: str) -> None:
    seen = look(word)
    assert math.hypot(*seen[1:]) < GREY
    assert drawn == min(DRAWN, key=lambda name: math.dist(seen, DRAWN[name]))


def test_white_has_nothing_near_it_and_the_notice_says_so() -> None:
    encoder = MiniTextEncoder.load(MINI_FOLDER)
    (notice,) = encoder.notices("A cat in a white coat.shot0:it stands")
    assert notice.words == ("white",)
    assert notice.text == (
        "'white' is outside what mini can draw, and nothing it knows is near; it draws 'yellow'"
    )
    (notice,) = encoder.notices("A cat in a salmon coat.shot0:it stands")
    assert notice.text == "'salmon' is outside what mini can draw; nearest: 'orange'"


@pytest.mark.parametrize("word", ["colorful", "transparent", "striped", "bright"])
def test_words_about_colours_are_no_colours(word: str) -> None:
    reading = MiniTextEncoder.load(MINI_FOLDER).reader.read(word)
    assert reading.concept is None or reading.concept.group != "colour"
