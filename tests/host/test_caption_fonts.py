# SPDX-License-Identifier: Apache-2.0
"""Captions in every script are set in a font that has it, or in Latin letters; never in boxes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import features
from shotstream_runtime.host import caption_fonts
from shotstream_runtime.host.caption_fonts import CaptionFonts, bundled_typeface
from shotstream_runtime.host.line_breaks import break_lines

FOX, RUNS = "\u72d0", "\u8dd1"  # two ideographs
ARABIC = "\u062b\u0639\u0644\u0628"


def write_font(path: Path, characters: Iterable[str]) -> Path:
    """A font whose every glyph is a filled square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((900, 0), (900, 800), (100, 800)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    names = {ord(character): f"uni{ord(character):04X}" for character in characters}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys([".notdef", *names.values()], square))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (1000, 100)))
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    builder.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)
    return path


def pieces(fonts: CaptionFonts, text: str) -> list[tuple[str, str]]:
    return [(run.text, run.typeface.path.stem) for run in fonts.runs(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Un renard d\u00e9j\u00e0 vu \u2014 o\u00f9?",
        "\u041b\u0438\u0441\u0430 \u0438\u0434\u0451\u0442.",
        "\u0397 \u03b1\u03bb\u03b5\u03c0\u03bf\u03cd",
        "\u0932\u094b\u092e\u0921\u093c\u0940",
        "C\u00e1o \u0111i d\u01b0\u1edbi tuy\u1ebft",
    ],
    ids=["French", "Russian", "Greek", "Hindi", "Vietnamese"],
)
def test_the_bundled_font_sets_these_without_a_look_at_the_machine(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caption_fonts, "font_folders", lambda: pytest.fail("the machine was searched"))
    (run,) = CaptionFonts([text]).runs(text)
    assert (run.text, run.typeface) == (text, bundled_typeface())


def test_what_the_bundled_font_lacks_comes_from_the_machine(tmp_path: Path) -> None:
    write_font(tmp_path / "deep" / "Kanji.ttf", FOX + RUNS)
    fonts = CaptionFonts([FOX + RUNS], [tmp_path])
    assert pieces(fonts, FOX + RUNS) == [(FOX + RUNS, "Kanji")]
    assert fonts.width(FOX, 20) == pytest.approx(20)


def test_one_font_for_a_whole_text_comes_before_a_mixture(tmp_path: Path) -> None:
    text = f"a {FOX}"
    write_font(tmp_path / "A.ttf", FOX)
    assert pieces(CaptionFonts([text], [tmp_path]), text) == [
        ("a ", bundled_typeface().path.stem),
        (FOX, "A"),
    ]
    write_font(tmp_path / "A.ttf", "a" + FOX)
    assert pieces(CaptionFonts([text], [tmp_path]), text) == [(text, "A")]


def test_upright_fonts_come_first_and_pictures_are_no_letters(tmp_path: Path) -> None:
    for name in ("Sans-BoldItalic", "Sans", "LastResort", "ColorEmoji"):
        write_font(tmp_path / f"{name}.ttf", FOX)
    assert pieces(CaptionFonts([FOX], [tmp_path]), FOX) == [(FOX, "Sans")]


def test_what_no_font_has_is_written_in_latin_letters(tmp_path: Path) -> None:
    text = f"the fox {FOX}{RUNS} \U0001f98a, then jumps"
    assert pieces(CaptionFonts([text], [tmp_path]), text) == [
        ("the fox HuPao :fox:, then jumps", bundled_typeface().path.stem)
    ]


def test_fonts_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0" + bytes(50))
    (tmp_path / "empty.otf").touch()
    (tmp_path / "folder.ttf").mkdir()
    half = write_font(tmp_path / "half.ttf", FOX)
    half.write_bytes(half.read_bytes()[:300])
    assert pieces(CaptionFonts([FOX], [tmp_path, tmp_path / "none"]), FOX)[0][0] == "Hu"


def test_letters_from_right_to_left_need_the_library_that_orders_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_font(tmp_path / "Arabic.ttf", ARABIC)
    fonts = CaptionFonts([ARABIC], [tmp_path])
    monkeypatch.setattr(features, "check", lambda name: True)
    assert pieces(fonts, ARABIC) == [(ARABIC, "Arabic")]
    monkeypatch.setattr(features, "check", lambda name: False)
    assert pieces(fonts, ARABIC)[0][0].isascii()


def test_joiners_and_variation_selectors_need_no_glyph(tmp_path: Path) -> None:
    text = f"{FOX}\ufe0f\u200d{RUNS}"
    write_font(tmp_path / "Kanji.ttf", FOX + RUNS)
    assert pieces(CaptionFonts([text], [tmp_path]), text) == [(text, "Kanji")]


@pytest.mark.parametrize(
    ("text", "width", "most", "lines"),
    [
        ("the fox  walks\nfar", 9, 9, ["the fox", "walks far"]),
        ("the fox walks", 7, 1, ["the fo\u2026"]),
        ("unbelievable", 6, 2, ["unbel\u2026"]),
        (FOX * 5, 2, 9, [FOX * 2, FOX * 2, FOX]),
        (FOX * 2 + "\u3002" + FOX, 3, 9, [FOX * 2 + "\u3002", FOX]),
        (FOX * 2 + "\u300c" + FOX, 3, 9, [FOX * 2, "\u300c" + FOX]),
        (f"a{FOX}b {FOX}", 2, 9, [f"a{FOX}", "b", FOX]),
        ("e\u0301e\u0301e\u0301e\u0301", 4, 1, ["e\u0301\u2026"]),
        ("", 5, 2, []),
    ],
)
def test_lines_break_where_the_script_allows_it(text: str, width: int, most: int, lines: list[str]) -> None:
    assert break_lines(text, len, width, most) == lines
