# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench cpu`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from ..apart import MeasurementFailed, measure_apart, tell_result
from ..failure import CommandFailed
from ..options import EngineName, EngineOption, JsonFile, PrecisionOption, Threads
from ..terminal import console, print_table

_SHORT = 5


def cpu(
    threads: Threads = None,
    engine: EngineOption = EngineName.AUTO,
    precision: PrecisionOption = None,
    shots: Annotated[int, typer.Option("--shots", min=2, help="Shots of the long story.")] = 50,
    json_file: JsonFile = None,
    one: Annotated[int | None, typer.Option("--one", hidden=True, min=2)] = None,
) -> None:
    """Measures mini on this processor: frames a second, beat to first frame, memory over 5 and 50 shots."""
    from ..compute_settings import ComputeSettings
    from ..figures import check_json_file, keep
    from ..model_loading import importing, load

    settings = ComputeSettings(device="cpu", threads=threads, engine=engine, precision=precision)
    if one is not None:
        from shotstream_runtime.bench.mini_speed import measure_mini

        loaded = load("mini", settings)
        from shotstream_runtime.host.compute import prepare_generating_thread

        prepare_generating_thread()
        figures = measure_mini(loaded.model, loaded.engine, one).to_dict()
        tell_result(figures | {"engine": loaded.engine.name, "notes": loaded.notes})
        return
    check_json_file(json_file)
    with importing():
        from shotstream_runtime.bench.machine import describe
        from shotstream_runtime.host.compute import default_threads
    runs = [_in_a_process_of_its_own(settings.command_line(), count) for count in (_SHORT, shots)]
    table = Table(box=None, pad_edge=False)
    for column in ("shots", "frames/s", "first frame, cold", "next beats, median", "worst", "peak memory"):
        table.add_column(column, justify="right")
    for run in runs:
        times = run["beat_to_first_frame_ms"]
        table.add_row(
            str(run["shots"]),
            f"{run['frames_per_second']:.1f}",
            *(f"{times[name]} ms" for name in ("cold", "next_beat_median", "next_beat_worst")),
            f"{run['peak_memory_mib']} MiB",
        )
    machine = describe("torch", "diffusers")
    used = threads or default_threads()
    told = f"mini on {machine['processor']}, threads: {used}. {runs[0]['notes'][0]}"
    console.print(told, markup=False, soft_wrap=True)
    print_table(table)
    for run in runs:
        del run["notes"]
    keep(json_file, {"machine": machine, "threads": used, "runs": runs})


def _in_a_process_of_its_own(options: list[str], shots: int) -> dict[str, Any]:
    """One story's figures; peak memory must not be another run's."""
    try:
        figures: dict[str, Any] = measure_apart(["bench", "cpu", *options, "--one", str(shots)])
    except MeasurementFailed as error:
        raise CommandFailed(str(error)) from error
    return figures
