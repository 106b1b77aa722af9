# SPDX-License-Identifier: Apache-2.0
"""Fonts for captions, which are free text in any language.

A text is set in Noto Sans, installed with ShotStream (Latin, Greek, Cyrillic, Devanagari), where that
has its characters; else in a font of this machine; and where the machine has none either, it is written in
Latin letters. Nothing becomes a row of boxes.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path

from anyascii import anyascii
from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont, features

_BUNDLED = ("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf")
_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_MOST_FONTS = 400  # looked into, for a text that none of them covers
# Fonts whose glyphs are pictures or placeholders, and cuts that are second choice for plain text.
_UNFIT = ("emoji", "lastresort", "adobeblank", "symbol", "dingbat")
_SECOND_CHOICE = (
    *("bold", "italic", "oblique", "black", "light", "thin", "medium"),
    *("mono", "serif", "condensed", "narrow", "math"),
)
_TRIAL_SIZE = 14
_RIGHT_TO_LEFT = frozenset({"R", "AL"})


@dataclass
class Typeface:
    """A font file.

    Attributes:
        path: The file.
        characters: Code points that it has a glyph for; of a font of the machine, those that were asked for.
    """

    path: Path
    characters: frozenset[int]
    _sizes: dict[int, ImageFont.FreeTypeFont] = field(default_factory=dict)

    def covers(self, text: str) -> bool:
        """Whether it has every character of a text."""
        return _visible(text) <= self.characters

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at a size in pixels."""
        if size not in self._sizes:
            self._sizes[size] = ImageFont.truetype(str(self.path), size)
        return self._sizes[size]


@dataclass(frozen=True)
class Run:
    """A piece of a line, in one typeface."""

    text: str
    typeface: Typeface


class CaptionFonts:
    """The typefaces for some texts, in the order in which they are tried."""

    def __init__(self, texts: Iterable[str], folders: Sequence[Path] | None = None) -> None:
        """Finds typefaces for texts.

        Args:
            texts: All that will be set. Fonts of the machine are looked into only where they need it.
            folders: Where to look for them; by default where this system keeps its fonts.
        """
        self.base = bundled_typeface()
        self._typefaces = [self.base]
        everything = set().union(*map(_visible, texts))
        missing = everything - self.base.characters
        if not missing:
            return
        for path in _font_files(font_folders() if folders is None else folders):
            typeface = _open(path, everything)
            if typeface is None or not missing & typeface.characters:
                continue
            self._typefaces.append(typeface)
            missing -= typeface.characters
            if not missing:
                return

    def runs(self, text: str) -> list[Run]:
        """Splits a text into runs; what no typeface has is put into Latin letters."""
        if (whole := self._typeface_for(text)) is not None:
            return [Run(text, whole)]
        runs: list[Run] = []
        # A space belongs to the word before it.
        for word in re.findall(r"\S+\s*|\s+", text):
            typeface = self._typeface_for(word)
            run = Run(word, typeface) if typeface else Run(_latin(word), self.base)
            # Neighbours stay together, so that words from right to left keep their order.
            if runs and runs[-1].typeface is run.typeface:
                run = Run(runs.pop().text + run.text, run.typeface)
            runs.append(run)
        return runs

    def width(self, text: str, size: int) -> float:
        """Pixels that a text takes."""
        return sum(run.typeface.at(size).getlength(run.text) for run in self.runs(text))

    def _typeface_for(self, text: str) -> Typeface | None:
        if not _can_be_laid_out(text):
            return None
        return next((typeface for typeface in self._typefaces if typeface.covers(text)), None)


@lru_cache(maxsize=1)
def bundled_typeface() -> Typeface:
    """Noto Sans, which is installed with ShotStream."""
    package, name = _BUNDLED
    path = Path(str(resources.files(package).joinpath(name)))
    return Typeface(path, frozenset(TTFont(path, lazy=True).getBestCmap()))


def font_folders() -> list[Path]:
    """Where this system keeps its fonts."""
    home = Path.home()
    if sys.platform == "win32":
        windows = Path(os.environ.get("WINDIR", r"C:\Windows"))
        local = os.environ.get("LOCALAPPDATA")
        return [windows / "Fonts", *([Path(local) / "Microsoft/Windows/Fonts"] if local else [])]
    if sys.platform == "darwin":
        return [home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    own = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return [own / "fonts", home / ".fonts", *(Path(part) / "fonts" for part in shared.split(":") if part)]


def _font_files(folders: Sequence[Path]) -> list[Path]:
    """The font files below some folders, upright ones of text weight first."""
    found = {
        path
        for folder in folders
        for path in (folder.rglob("*") if folder.is_dir() else ())
        if path.suffix.lower() in _SUFFIXES and not any(word in path.name.lower() for word in _UNFIT)
    }
    return sorted(found, key=_preference)[:_MOST_FONTS]


def _preference(path: Path) -> tuple[int, int, str]:
    name = path.stem.lower().replace("sansserif", "")
    return sum(word in name for word in _SECOND_CHOICE), len(name), str(path)


def _open(path: Path, wanted: set[int]) -> Typeface | None:
    """A font of the machine; None where it cannot be used."""
    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            characters = frozenset(wanted.intersection(font.getBestCmap() or ()))
        typeface = Typeface(path, characters)
        typeface.at(_TRIAL_SIZE)  # bitmap fonts have one size only
    except (OSError, TTLibError, ValueError, KeyError, AssertionError):
        return None
    return typeface


def _visible(text: str) -> set[int]:
    """The characters of a text that need a glyph: not spaces, joiners and variation selectors."""
    return {
        ord(character)
        for character in text
        if not character.isspace()
        and unicodedata.category(character) not in ("Cc", "Cf")
        and not "\ufe00" <= character <= "\ufe0f"
    }


def _can_be_laid_out(text: str) -> bool:
    """Whether Pillow can order and join the letters; for scripts from right to left it needs libraqm."""
    if features.check("raqm"):
        return True
    return not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)


def _latin(word: str) -> str:
    bare = word.rstrip()
    return anyascii(bare) + word[len(bare) :]
