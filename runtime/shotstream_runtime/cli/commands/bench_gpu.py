# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench gpu`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..failure import CommandFailed
from ..options import (
    AttentionName,
    AttentionOption,
    DecoderName,
    Device,
    EightBitCache,
    EngineName,
    JsonFile,
    PrecisionName,
    ShareGpu,
)
from ..terminal import console, error_console, print_table

if TYPE_CHECKING:
    import torch


class Size(StrEnum):
    """Dimensions of what is measured."""

    FULL = "full"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured in one go, as its process is told."""

    engine: EngineName
    precision: PrecisionName
    decoder: DecoderName

    def __str__(self) -> str:
        shown = "" if self.decoder is DecoderName.FULL else f" with the {self.decoder} decoder"
        return f"{self.engine} in {self.precision}{shown}"

    @classmethod
    def of(cls, text: str) -> Row:
        """From the words of `words`."""
        engine, precision, decoder = text.split("/")
        return cls(EngineName(engine), PrecisionName(precision), DecoderName(decoder))

    @property
    def words(self) -> str:
        """For `of`."""
        return f"{self.engine}/{self.precision}/{self.decoder}"


_CAPTION = "caption"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for every row: told to its process, and kept beside the figures."""

    size: Size
    attention: AttentionName | None
    eight_bit_cache: bool
    share_gpu: bool
    quick: bool

    @property
    def words(self) -> list[str]:
        """As the command line has it."""
        return [
            *("--size", self.size.value),
            *(("--attention", self.attention.value) if self.attention is not None else ()),
            *(("--eight-bit-cache",) if self.eight_bit_cache else ()),
            *(("--share-gpu",) if self.share_gpu else ()),
            *(("--quick",) if self.quick else ()),
        ]


def gpu(
    device: Device = "auto",
    engine: Annotated[
        list[EngineName] | None,
        typer.Option("--engine", help="Engine; may be given again. Default: eager and cuda-graph."),
    ] = None,
    precision: Annotated[
        list[PrecisionName] | None,
        typer.Option("--precision", help="Precision; may be given again. Default: bf16."),
    ] = None,
    attention: AttentionOption = None,
    eight_bit_cache: EightBitCache = False,
    decoder: Annotated[
        list[DecoderName] | None,
        typer.Option("--decoder", help="full or preview, the small one; may be given again. Default: full."),
    ] = None,
    share_gpu: ShareGpu = False,
    size: Annotated[
        Size,
        typer.Option("--size", help="full: as published, at 832x480. tiny: to try the command."),
    ] = Size.FULL,
    quick: Annotated[
        bool, typer.Option("--quick", help="Times everything once instead of taking the median of three.")
    ] = False,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, help="What is not measured by then is left out.")
    ] = 9.5,
    json_file: JsonFile = None,
    apart: Annotated[str | None, typer.Option("--apart", hidden=True)] = None,
) -> None:
    """Measures the full-size student on random weights: stages, whole path, memory, share of the floor."""
    from ..figures import check_json_file
    from ..model_loading import importing

    check_json_file(json_file)
    with importing():
        from shotstream_runtime.engines.choice import choose_engine
        from shotstream_runtime.engines.device_facts import DeviceFacts
        from shotstream_runtime.engines.errors import EngineError
        from shotstream_runtime.engines.precision import Precision
        from shotstream_runtime.host.compute import choose_device
    chosen = choose_device(device)
    if size is Size.FULL and chosen.type != "cuda":
        raise CommandFailed(
            "the published dimensions need a CUDA device, and none is here; --size tiny --device cpu tries "
            "the command, shotstream bench cpu measures mini"
        )
    settings = Settings(
        size=size, attention=attention, eight_bit_cache=eight_bit_cache, share_gpu=share_gpu, quick=quick
    )
    if apart is not None:
        _measure_here(apart, chosen, settings)
        return
    facts = DeviceFacts.of(chosen)
    results = _Results(json_file, settings, str(facts))
    given = ["--device", str(chosen), *settings.words]
    until = time.monotonic() + 60 * minutes
    rows = [
        Row(name, number_format, shown)
        for name in engine or [EngineName.EAGER, EngineName.CUDA_GRAPH]
        for number_format in precision or [PrecisionName.BF16]
        for shown in decoder or [DecoderName.FULL]
    ]
    for row in rows:
        try:
            choice = choose_engine(
                facts, row.engine, Precision(row.precision), eight_bit_cache=eight_bit_cache
            )
        except EngineError as error:
            # The engines that are measured by themselves are those that there are; what is named has to be.
            if engine:
                results.failed.append(str(row))
            results.leave_out(row, str(error))
            continue
        picked = Row(EngineName(choice.kind.name), row.precision, row.decoder)
        results.measure(picked, given, until)
    if not results.rows:
        raise CommandFailed("; ".join(entry["reason"] for entry in results.left_out))
    results.measure_caption(given, until)
    console.print(f"{size.value} size on {facts}, torch {results.machine['torch']}", markup=False)
    print_table(results.table())
    if results.caption_ms is not None:
        told = (
            f"A new caption takes {results.caption_ms} ms more, the text encoder being on the device in bf16"
        )
        console.print(told)
    for entry in results.left_out:
        console.print(
            f"Left out: {entry['what']}: {entry['reason']}", style="yellow", markup=False, soft_wrap=True
        )
    results.keep(last=True)
    if results.failed:
        raise CommandFailed(f"not measured: {', '.join(results.failed)} (why is told above)")


class _Results:
    """What has been measured so far; kept after every row."""

    def __init__(self, json_file: Path | None, settings: Settings, device: str) -> None:
        import torch

        from shotstream_runtime.bench.machine import describe

        self._json_file = json_file
        self._settings = asdict(settings)
        self.machine: dict[str, Any] = describe("torch", "diffusers") | {
            "device": device,
            "cuda": torch.version.cuda,
        }
        self.rows: list[dict[str, Any]] = []
        self.left_out: list[dict[str, str]] = []
        self.failed: list[str] = []
        self.caption_ms: float | None = None

    def leave_out(self, row: Row, reason: str) -> None:
        """Notes a row that is not measured, and why."""
        self.left_out.append({"what": str(row), **asdict(row), "reason": reason})
        self.keep()

    def measure(self, row: Row, given: list[str], until: float) -> None:
        """Measures a row; whatever happens to its process, the others are measured all the same."""
        from ..apart import MeasurementFailed

        try:
            self.rows.append(_measured_apart(row.words, str(row), given, until))
        except MeasurementFailed as error:
            self.failed.append(str(row))
            self.leave_out(row, str(error))
        self.keep()

    def measure_caption(self, given: list[str], until: float) -> None:
        """What a new caption takes, likewise."""
        from ..apart import MeasurementFailed

        try:
            self.caption_ms = _measured_apart(_CAPTION, "the text encoder", given, until)
        except MeasurementFailed as error:
            self.failed.append("the text encoder")
            self.left_out.append({"what": "the text encoder", "reason": str(error)})
        self.keep()

    def keep(self, *, last: bool = False) -> None:
        """Writes the file."""
        from ..figures import keep

        figures = {
            "machine": self.machine,
            **self._settings,
            "caption_ms": self.caption_ms,
            "engines": self.rows,
            "left_out": self.left_out,
        }
        keep(self._json_file, figures, told=last)

    def table(self) -> Any:
        """All of them as a table."""
        from ..bench_table import bench_table

        return bench_table(self.rows)


def _measured_apart(what: str, shown: str, given: list[str], until: float) -> Any:
    from ..apart import MeasurementFailed, measure_apart

    left = until - time.monotonic()
    if left <= 0:
        raise MeasurementFailed("the time was up before it (--minutes gives more)")
    with error_console.status(f"{shown} ...") as status:
        return measure_apart(
            ["bench", "gpu", *given, "--apart", what],
            timeout_s=left,
            told=lambda step: status.update(f"{shown}: {step} ..."),
        )


def _measure_here(what: str, device: torch.device, settings: Settings) -> None:
    """In the process of a row: measures it, and tells the figures."""
    import torch

    from shotstream_runtime.bench.full_size import (
        FULL_SIZE,
        QUICK_ROUNDS,
        ROUNDS,
        TINY,
        measure_caption,
        measure_full_size,
    )
    from shotstream_runtime.bench.random_model import unchanged, with_random_preview
    from shotstream_runtime.engines.engine_kind import EngineOptions
    from shotstream_runtime.engines.kinds import ENGINE_KINDS
    from shotstream_runtime.engines.precision import Precision

    from ..apart import tell_result, tell_step

    subject = FULL_SIZE if settings.size is Size.FULL else TINY
    rounds = QUICK_ROUNDS if settings.quick else ROUNDS
    if what == _CAPTION:
        tell_result(round(measure_caption(subject, device, torch.bfloat16, rounds), 1))
        return
    row = Row.of(what)
    (kind,) = (kind for kind in ENGINE_KINDS if kind.name == row.engine)
    options = EngineOptions(
        precision=Precision(row.precision),
        attention=settings.attention,
        eight_bit_cache=settings.eight_bit_cache,
        share_gpu=settings.share_gpu,
    )
    figures = measure_full_size(
        kind,
        options,
        device,
        subject=subject,
        decoder=row.decoder.value,
        equip=with_random_preview if row.decoder is DecoderName.PREVIEW else unchanged,
        rounds=rounds,
        report=tell_step,
    )
    tell_result(figures.to_dict())
