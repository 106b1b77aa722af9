# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench deviation`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ..failure import CommandFailed, ExitCode
from ..options import Device, EightBitCache, EngineName, EngineOption, JsonFile, PrecisionOption, Threads
from ..terminal import console, print_table


def deviation(
    device: Device = "auto",
    threads: Threads = None,
    engine: EngineOption = EngineName.AUTO,
    precision: PrecisionOption = None,
    eight_bit_cache: EightBitCache = False,
    golden: Annotated[
        Path | None,
        typer.Option(
            "--golden", metavar="DIR", help="Folder of recorded numbers (tests/golden of a checkout, if any)."
        ),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Measures how far an engine is from eager float32; exit code 1 if that is beyond its bounds, 2 if
    it does not run here."""
    from ..compute_settings import ComputeSettings
    from ..figures import check_json_file, keep
    from ..model_loading import choose, importing

    check_json_file(json_file)
    folder = golden or _own_golden_folder()
    if golden is not None and not (golden / "rollout.safetensors").is_file():
        raise CommandFailed(f"--golden {golden}: holds no rollout.safetensors", ExitCode.USAGE)
    with importing():
        from shotstream_runtime.bench.exactness import measure_deviation
        from shotstream_runtime.bench.machine import describe
        from shotstream_runtime.engines.engine_kind import EngineOptions
        from shotstream_runtime.engines.errors import EngineError
        from shotstream_runtime.host.compute import prepare_generating_thread
        from shotstream_runtime.streaming.deviation import IDENTICAL_DB
    settings = ComputeSettings(
        device=device, threads=threads, engine=engine, precision=precision, eight_bit_cache=eight_bit_cache
    )
    try:
        chosen, choice = choose(settings, small=True)
    except EngineError as error:
        # Apart from a bound that is broken, for scripts that ask.
        raise CommandFailed(str(error), ExitCode.USAGE) from error
    console.print(f"Engine: {choice.reason}", style="dim", markup=False, soft_wrap=True)
    options = EngineOptions(precision=choice.precision, eight_bit_cache=eight_bit_cache)
    prepare_generating_thread()
    report = measure_deviation(choice.kind, options, chosen, folder)
    table = Table(box=None, pad_edge=False)
    for column in ("", "largest", "relative", "bound"):
        table.add_column(column, justify="right" if column else "left")
    bounds, figures = report.bounds, dict[str, Any]()
    for name, key, measured, bound in (
        ("chunks on recorded inputs", "chunks", report.chunks, bounds.chunk_relative),
        ("a story of mini, latents", "latents", report.latents, bounds.rollout_relative),
    ):
        if measured is None:
            table.add_row(name, "-", "no golden folder", "")
            continue
        table.add_row(name, f"{measured.largest:.1e}", f"{measured.relative:.1e}", f"{bound:.1e}")
        figures[key] = {"largest": measured.largest, "relative": measured.relative, "bound": bound}
    pictures = report.pictures
    table.add_row(
        "its pictures",
        *(
            "identical" if ratio >= IDENTICAL_DB else f"{ratio:.1f} dB"
            for ratio in (pictures.worst_db, pictures.mean_db)
        ),
        f"{bounds.mean_db:.0f} dB",
    )
    figures["pictures_db"] = {
        "mean": round(pictures.mean_db, 2), "worst": round(pictures.worst_db, 2), "bound": bounds.mean_db,
    }  # fmt: skip
    print_table(table)
    named = {"engine": report.engine, "precision": report.precision, "eight_bit_cache": eight_bit_cache}
    keep(json_file, {"machine": describe("torch"), "device": str(chosen), **named, **figures})
    if report.beyond:
        raise CommandFailed(f"beyond the bounds of {report.precision}: {'; '.join(report.beyond)}")


def _own_golden_folder() -> Path | None:
    from ..installation import source_checkout

    checkout = source_checkout()
    folder = None if checkout is None else checkout / "tests" / "golden"
    return folder if folder is not None and folder.is_dir() else None
