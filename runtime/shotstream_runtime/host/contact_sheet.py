# SPDX-License-Identifier: Apache-2.0
"""A contact sheet: the whole story on one picture, one row per shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from .caption_fonts import CaptionFonts
from .line_breaks import ELLIPSIS, break_lines
from .movie import PixelArray

COLUMNS = 6
CELL_WIDTH = 256  # pixels; small frames are enlarged to this, large ones reduced
_MARGIN = 16
_GAP = 6
_ROW_GAP = 22
_TITLE_SIZE = 22
_HEADING_SIZE = 16
_TEXT_SIZE = 14
_LINE_FACTOR = 1.35
_CAPTION_LINES = 4  # of one row; a longer text ends in an ellipsis
_BACKGROUND = (24, 25, 28)
_BRIGHT = (240, 240, 240)
_DIM = (168, 172, 180)
# Candidates kept of a running shot: evenly spaced picks can be chosen from them whatever its final length.
_CANDIDATES = 4 * COLUMNS


class ShotThumbnails:
    """Evenly spaced thumbnails of one shot whose length is not known before it ends.

    Every `stride`-th frame is kept; when there are too many, every other one is dropped and the stride
    doubles. Memory is therefore bounded for a shot of any length.
    """

    def __init__(self) -> None:
        self._stride = 1
        self._kept: list[tuple[int, Image.Image]] = []
        self._last: tuple[int, PixelArray] | None = None

    def add(self, pixels: PixelArray, index_in_shot: int) -> None:
        """Offers a frame, ``[H, W, 3]`` uint8 RGB, with its index inside the shot."""
        # Scaled only when it is picked: the last frame so far is hardly ever the last one.
        self._last = (index_in_shot, pixels)
        if index_in_shot % self._stride:
            return
        self._kept.append((index_in_shot, _thumbnail(pixels)))
        if len(self._kept) > _CANDIDATES:
            self._stride *= 2
            self._kept = [entry for entry in self._kept if entry[0] % self._stride == 0]

    def settle(self, count: int) -> None:
        """Keeps only what `pick` picks, now that the shot has ended."""
        self._kept = self.pick(count)
        self._last = None

    def pick(self, count: int) -> list[tuple[int, Image.Image]]:
        """Picks up to `count` thumbnails, first and last frame included, with their indices in the shot."""
        entries = list(self._kept)
        if self._last is not None and (not entries or entries[-1][0] != self._last[0]):
            index, pixels = self._last
            entries.append((index, _thumbnail(pixels)))
        if len(entries) <= count:
            return entries
        if count == 1:
            return entries[:1]
        first, last = entries[0][0], entries[-1][0]
        picks: list[tuple[int, Image.Image]] = []
        for column in range(count):
            wanted = first + column * (last - first) / (count - 1)
            picks.append(min(entries, key=lambda entry: abs(entry[0] - wanted)))
        return picks


@dataclass
class SheetRow:
    """One shot: `number` from 1, the text of its beats in order, its thumbnails."""

    number: int
    captions: list[str]
    seconds: float
    thumbnails: list[tuple[int, Image.Image]] = field(default_factory=list)


def draw_contact_sheet(title: str, subtitle: str, rows: Sequence[SheetRow]) -> Image.Image:
    """Draws the sheet.

    Args:
        title: First line, such as the story's title.
        subtitle: Second line, such as the global caption.
        rows: The shots in order; the first thumbnail sets the shape of every cell.

    Returns:
        An RGB picture as wide as `COLUMNS` cells.

    Raises:
        ValueError: No row has a thumbnail.
    """
    sample = next((thumb for row in rows for _, thumb in row.thumbnails), None)
    if sample is None:
        raise ValueError("a contact sheet needs at least one frame")
    cell_height = sample.height
    width = 2 * _MARGIN + COLUMNS * CELL_WIDTH + (COLUMNS - 1) * _GAP
    fonts = CaptionFonts([title, subtitle, ELLIPSIS, *(text for row in rows for text in row.captions)])
    text_width = width - 2 * _MARGIN

    def lines_of(text: str, size: int, most: int) -> list[str]:
        return break_lines(text, lambda line: fonts.width(line, size), text_width, most)

    blocks: list[tuple[list[tuple[str, int, tuple[int, int, int]]], SheetRow | None]] = []
    head = [(line, _TITLE_SIZE, _BRIGHT) for line in lines_of(title, _TITLE_SIZE, 2)]
    head += [(line, _TEXT_SIZE, _DIM) for line in lines_of(subtitle, _TEXT_SIZE, 3)]
    blocks.append((head, None))
    for row in rows:
        lines = [(f"Shot {row.number}  ·  {row.seconds:.1f} s", _HEADING_SIZE, _BRIGHT)]
        per_caption = max(1, _CAPTION_LINES // max(1, len(row.captions)))
        for position, caption in enumerate(row.captions[:_CAPTION_LINES]):
            text = caption if position == 0 else f"then: {caption}"
            lines += [(line, _TEXT_SIZE, _DIM) for line in lines_of(text, _TEXT_SIZE, per_caption)]
        blocks.append((lines, row))

    height = 2 * _MARGIN - _ROW_GAP
    for lines, block_row in blocks:
        height += sum(_line_height(size) for _, size, _ in lines) + _ROW_GAP
        height += cell_height + _GAP if block_row is not None else 0
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    y = _MARGIN
    for lines, block_row in blocks:
        for line, size, colour in lines:
            _draw_line(draw, fonts, (_MARGIN, y), line, size, colour)
            y += _line_height(size)
        if block_row is not None:
            y += _GAP
            for column, (_, thumbnail) in enumerate(block_row.thumbnails[:COLUMNS]):
                sheet.paste(thumbnail, (_MARGIN + column * (CELL_WIDTH + _GAP), y))
            y += cell_height
        y += _ROW_GAP
    return sheet


def _thumbnail(pixels: PixelArray) -> Image.Image:
    height, width = pixels.shape[:2]
    size = (CELL_WIDTH, max(1, round(CELL_WIDTH * height / width)))
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def _line_height(size: int) -> int:
    return round(size * _LINE_FACTOR)


def _draw_line(
    draw: ImageDraw.ImageDraw,
    fonts: CaptionFonts,
    at: tuple[int, int],
    line: str,
    size: int,
    colour: tuple[int, int, int],
) -> None:
    """Draws a line from its upper left corner, all runs on one baseline."""
    x, baseline = float(at[0]), at[1] + fonts.base.at(size).getmetrics()[0]
    for run in fonts.runs(line):
        font = run.typeface.at(size)
        draw.text((x, baseline), run.text, font=font, fill=colour, anchor="ls")
        x += font.getlength(run.text)
