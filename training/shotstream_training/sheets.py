# SPDX-License-Identifier: Apache-2.0
"""Pictures of a training run: contact sheets and curves in one PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from shotstream_training.curves import Curves
from shotstream_training.data.pictures import to_pictures
from shotstream_training.latent_codec import LatentCodec

GAP = 2
"""Pixels between pictures."""

CURVES = "curves.png"
CURVES_WIDTH = 900

SHEET_FRAMES = (0, 12, 24, 36, 48, 64, 80)
"""Frames of a shot on a contact sheet."""


def contact_sheet(rows: list[list[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Pictures in rows; rows may differ in length.

    Args:
        rows: RGB pictures ``[H, W, 3]``, all of one size.

    Returns:
        One RGB picture.
    """
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    sheet = np.full((len(rows) * (height + GAP), columns * (width + GAP), 3), 24, np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            y, x = r * (height + GAP), c * (width + GAP)
            sheet[y : y + height, x : x + width] = picture
    return sheet


def some_frames(clip: NDArray[np.uint8], frames: Sequence[int] = SHEET_FRAMES) -> list[NDArray[np.uint8]]:
    """Frames of a shot ``[n, H, W, 3]``, for a contact sheet; of a shorter one the last instead."""
    return [clip[min(frame, len(clip) - 1)] for frame in frames]


def curve_picture(curves: Curves, width: int) -> NDArray[np.uint8]:
    """All curves over time, one small logarithmic plot each: rows pale, their running median above them."""
    # Imported here: matplotlib takes a second to import and render workers do not need it.
    import matplotlib  # noqa: PLC0415

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = sorted({name for row in curves.rows for name in row} - {"seconds", "step"})
    figure, axes = plt.subplots(1, max(len(names), 1), figsize=(width / 100, 2.2), dpi=100, squeeze=False)
    for axis, name in zip(axes[0], names, strict=False):
        points = [(row["seconds"], row[name]) for row in curves.rows if name in row]
        seconds, values = zip(*points, strict=True)
        axis.plot(seconds, values, linewidth=0.6, alpha=0.35, color="C0")
        axis.plot(seconds, _running_median(values), linewidth=1.2, color="C0")
        if all(value > 0 for value in values):
            axis.set_yscale("log")
        axis.set_title(name, fontsize=8)
        axis.set_xlabel("seconds", fontsize=6)
        axis.tick_params(which="both", labelsize=6)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return np.asarray(Image.open(buffer).convert("RGB"))


def _running_median(values: Sequence[float]) -> list[float]:
    """Of a tenth of the values around each."""
    reach = len(values) // 20
    return [float(np.median(values[max(0, i - reach) : i + reach + 1])) for i in range(len(values))]


def save_sheet(path: Path, rows: list[list[NDArray[np.uint8]]], curves: Curves) -> None:
    """Writes a contact sheet with the curves below it."""
    sheet = contact_sheet(rows)
    parts = [sheet]
    if curves.rows:
        parts.append(curve_picture(curves, max(sheet.shape[1], CURVES_WIDTH)))
    width = max(part.shape[1] for part in parts)
    padded = [
        np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=24) for part in parts
    ]
    Image.fromarray(np.concatenate(padded)).save(path)


def save_curves(folder: Path, curves: Curves) -> None:
    """Writes ``curves.png`` into a folder that is there, if there is anything to draw."""
    if curves.rows:
        Image.fromarray(curve_picture(curves, CURVES_WIDTH)).save(folder / CURVES)


def comparison_rows(
    codec: LatentCodec, *latents: Tensor, frames: Sequence[int] = SHEET_FRAMES
) -> list[list[NDArray[np.uint8]]]:
    """Rows of a contact sheet: for every sample one row per given set of latents."""
    decoded = [to_pictures(codec.decode(part)[:, :, list(frames)]) for part in latents]
    return [list(clip) for clips in zip(*decoded, strict=True) for clip in clips]
