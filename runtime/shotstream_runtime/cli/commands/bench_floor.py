# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench floor`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from rich.table import Table

from ..options import JsonFile
from ..terminal import console, print_table


def floor(json_file: JsonFile = None) -> None:
    """Computes the least time that an H100 could take for the published dimensions; needs no GPU."""
    from ..figures import check_json_file, keep
    from ..model_loading import importing

    check_json_file(json_file)
    with importing():
        from shotstream_runtime.bench.floor import H100_RATES, Floor, codec_operations
        from shotstream_runtime.bench.full_size import FULL_SIZE as SUBJECT

    height, width = SUBJECT.latent_size
    operations = codec_operations(SUBJECT.video, height, width)
    floors = {
        precision: Floor.of(SUBJECT.student, operations, height, width, rates)
        for precision, rates in H100_RATES.items()
    }
    frames = SUBJECT.student.frames_per_chunk * SUBJECT.video.temporal_factor
    table = Table(box=None, pad_edge=False)
    table.add_column("ms, where nothing else is said")
    for precision in floors:
        table.add_column(precision, justify="right")
    figures = {
        precision: {
            "context prefill": computed.prefill,
            "chunk, mean": computed.chunk,
            "decoding a chunk": computed.decode,
            "beat to first frame, cold": computed.first_frame_of_story,
            "the same, context encoded too": computed.first_frame_cold,
            "beat to first frame, prefetched": computed.first_frame_prefetched,
            "frames/s, student alone": 1e3 * frames / computed.chunk,
        }
        for precision, computed in floors.items()
    }
    for name in next(iter(figures.values())):
        table.add_row(name, *(f"{column[name]:.0f}" for column in figures.values()))
    print_table(table)
    console.print(
        "Operations counted from the dimensions, over rates that the best kernels sustain on an H100. "
        "Nothing is measured here.",
        style="dim",
        soft_wrap=True,
    )
    keep(json_file, {"device": "H100, computed", "floors": figures})
