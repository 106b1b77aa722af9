# SPDX-License-Identifier: Apache-2.0
"""`shotstream weights fit`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..failure import CommandFailed, ExitCode
from ..terminal import console, print_table, telling

if TYPE_CHECKING:
    from shotstream_runtime.host.memory_need import ModelMemory
    from shotstream_runtime.host.memory_plan import MemoryPlan
    from shotstream_runtime.model import StudentConfig

_CARDS = ("8", "12", "16", "24", "32")


def fit(
    vram: Annotated[
        list[str] | None,
        typer.Option(
            "--vram", metavar="GB", help="Memory of a card; repeat for several. Default: usual ones."
        ),
    ] = None,
) -> None:
    """Says which cards the published weights fit, and what is given up; needs no weights and no GPU."""
    from ..fitting import check_vram
    from ..model_loading import importing

    cards: dict[str, int] = {}
    for named in vram or _CARDS:
        size = check_vram(named)
        if size is None:
            raise CommandFailed(f"--vram {named}: name a card's gigabytes here, such as 12", ExitCode.USAGE)
        cards[f"{size >> 30} GB"] = size
    with importing():
        from shotstream_runtime.codecs.umt5_config import Umt5Config
        from shotstream_runtime.codecs.video_config import VideoCodecConfig
        from shotstream_runtime.host.memory_need import ModelMemory
        from shotstream_runtime.host.memory_plan import MemoryPlanError
        from shotstream_runtime.model import StudentConfig
        from shotstream_runtime.weights.configs import PublishedConfigs
        from shotstream_runtime.weights.profile import PUBLISHED_PROFILE

    config = StudentConfig()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("card", no_wrap=True)
    table.add_column("needs", no_wrap=True, justify="right")
    table.add_column("given up")
    with telling("Computing what the published model needs") as tell:
        memory = ModelMemory(PublishedConfigs(config, VideoCodecConfig(), Umt5Config()), PUBLISHED_PROFILE)
        for done, (name, size) in enumerate(cards.items()):
            tell(name, done / len(cards))
            try:
                plan = _plan(memory, config, size)
            except MemoryPlanError as error:
                table.add_row(name, "-", f"does not fit: {error}")
                continue
            table.add_row(name, f"{plan.need.total / 1e9:.1f} GB", "\n".join(plan.costs) or "nothing")
    print_table(table)
    console.print(
        "On cuda-graph in bf16, 1 GiB left to the display. Computed; no such card has been tried.",
        style="dim",
        soft_wrap=True,
    )


def _plan(memory: ModelMemory, config: StudentConfig, size: int) -> MemoryPlan:
    """The plan for a card; with the small decoder, whose file has to be fetched, only if it takes that."""
    from shotstream_runtime.engines.precision import Precision
    from shotstream_runtime.engines.torch_kinds import CUDA_GRAPH
    from shotstream_runtime.host.memory_need import Arrangement
    from shotstream_runtime.host.memory_plan import DISPLAY_RESERVE_BYTES, MemoryPlanError, plan_memory

    wanted = Arrangement(precision=Precision.BF16, captured=CUDA_GRAPH.captures)
    budget = size - DISPLAY_RESERVE_BYTES
    try:
        return plan_memory(memory, config, wanted, budget)
    except MemoryPlanError:
        return plan_memory(memory, config, wanted, budget, preview_possible=True)
