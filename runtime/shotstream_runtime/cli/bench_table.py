# SPDX-License-Identifier: Apache-2.0
"""Figures of the full-size student as a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.table import Table

Figures = dict[str, Any]
"""What `FullSizeFigures.to_dict` gives."""


def bench_table(measured: list[Figures]) -> Table:
    """A row for each figure, a column for each engine."""
    table = Table(box=None, pad_edge=False)
    table.add_column("ms, where nothing else is said")
    for figures in measured:
        shown = "" if figures["decoder"] == "full" else f", {figures['decoder']}"
        table.add_column(f"{figures['engine']} {figures['precision']}{shown}", justify="right")
    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("context prefill", _timed("prefill", "prefill")),
        ("denoising, first chunk", lambda f: f"{f['denoise'][0]:.1f}"),
        ("denoising, last chunk", lambda f: f"{f['denoise'][-1]:.1f}"),
        ("clean pass, mean", lambda f: f"{sum(f['refresh']) / len(f['refresh']):.1f}"),
        ("pass, mean", _timed("per_pass")),
        ("chunk, mean", _timed("chunk", "chunk")),
        ("decoding, first latent", _timed("decode_first")),
        ("decoding, further latent", _timed("decode_further", "decode")),
        ("beat to first frame, cold", _timed("first_frame_cold", "first_frame_cold")),
        ("beat to first frame, prefetched", _timed("first_frame_prefetched", "first_frame_prefetched")),
        ("frames/s, student alone", _timed("frames_per_second_without_decoder")),
        ("frames/s, with the decoder", _timed("frames_per_second")),
        ("peak memory, GiB", lambda f: "-" if f["peak_gib"] is None else f"{f['peak_gib']:.1f}"),
        ("engine and first shot, s", _timed("preparation_s")),
    ]
    for name, cell in rows:
        table.add_row(name, *(cell(figures) for figures in measured))
    for stage, name in (("chunk", "last chunk"), ("decode", "a latent's decoding")):
        spent = [figures["spent"][stage] or {} for figures in measured]
        for kind in dict.fromkeys(kind for column in spent for kind in column):
            cells = (f"{column[kind]:.1f}" if kind in column else "-" for column in spent)
            table.add_row(f"of {name}: {kind}", *cells)
    return table


def _timed(name: str, stage: str = "") -> Callable[[Figures], str]:
    """A figure, and its stage's share of the floor where that is known."""

    def cell(figures: Figures) -> str:
        share = (figures["share_of_floor"] or {}).get(stage)
        return f"{figures[name]:.1f}" + ("" if share is None else f" ({share:.0%} of floor)")

    return cell
