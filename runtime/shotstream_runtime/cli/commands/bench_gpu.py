# SPDX-License-Identifier: Apache-2.0
"""`shotstream bench gpu`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ..failure import CommandFailed
from ..options import (
    AttentionOption,
    DecoderName,
    DecoderOption,
    Device,
    EightBitCache,
    EngineName,
    JsonFile,
    PrecisionName,
    ShareGpu,
)
from ..terminal import console, error_console, print_table

if TYPE_CHECKING:
    from shotstream_runtime.bench.full_size import FullSizeFigures


class Size(StrEnum):
    """Dimensions of what is measured."""

    FULL = "full"
    TINY = "tiny"


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
    decoder: DecoderOption = DecoderName.FULL,
    share_gpu: ShareGpu = False,
    size: Annotated[
        Size,
        typer.Option("--size", help="full: as published, at 832x480. tiny: to try the command."),
    ] = Size.FULL,
    json_file: JsonFile = None,
) -> None:
    """Measures the full-size student on random weights: stages, whole path, memory, share of the floor."""
    from ..figures import check_json_file, keep
    from ..model_loading import importing

    check_json_file(json_file)
    with importing():
        import torch

        from shotstream_runtime.bench.full_size import FULL_SIZE, TINY, measure_caption, measure_full_size
        from shotstream_runtime.bench.machine import describe
        from shotstream_runtime.bench.random_model import unchanged, with_random_preview
        from shotstream_runtime.engines.choice import choose_engine
        from shotstream_runtime.engines.device_facts import DeviceFacts
        from shotstream_runtime.engines.engine_kind import EngineOptions
        from shotstream_runtime.engines.errors import EngineError
        from shotstream_runtime.engines.precision import Precision
        from shotstream_runtime.host.compute import choose_device
    chosen = choose_device(device)
    if size is Size.FULL and chosen.type != "cuda":
        raise CommandFailed(
            "the published dimensions need a CUDA device, and none is here; --size tiny --device cpu tries "
            "the command, shotstream bench cpu measures mini"
        )
    subject = FULL_SIZE if size is Size.FULL else TINY
    facts = DeviceFacts.of(chosen)
    measured: list[FullSizeFigures] = []
    skipped: list[str] = []
    for name in engine or [EngineName.EAGER, EngineName.CUDA_GRAPH]:
        for number_format in precision or [PrecisionName.BF16]:
            try:
                choice = choose_engine(facts, name, Precision(number_format), eight_bit_cache=eight_bit_cache)
                options = EngineOptions(
                    precision=choice.precision,
                    attention=attention,
                    eight_bit_cache=eight_bit_cache,
                    share_gpu=share_gpu,
                )
                with error_console.status(f"{choice.kind.name} in {choice.precision} ...") as status:
                    figures = measure_full_size(
                        choice.kind,
                        options,
                        chosen,
                        decoder=decoder.value,
                        equip=with_random_preview if decoder is DecoderName.PREVIEW else unchanged,
                        subject=subject,
                        report=lambda step, choice=choice, status=status: status.update(  # type: ignore[misc]
                            f"{choice.kind.name} in {choice.precision}: {step} ..."
                        ),
                    )
            except EngineError as error:
                # The others are measured all the same.
                skipped.append(str(error))
                continue
            measured.append(figures)
            if chosen.type == "cuda":
                torch.cuda.empty_cache()
    if not measured:
        raise CommandFailed("; ".join(skipped))
    console.print(f"{size.value} size on {facts}, torch {torch.__version__}", markup=False)
    print_table(_table(measured))
    caption = measure_caption(subject, chosen, torch.bfloat16)
    console.print(f"A new caption takes {caption:.1f} ms more, the text encoder being on the device in bf16")
    for line in skipped:
        console.print(f"Left out: {line}", style="yellow", markup=False, soft_wrap=True)
    machine: dict[str, Any] = describe("torch", "diffusers") | {
        "device": str(facts),
        "cuda": torch.version.cuda,
    }
    keep(
        json_file,
        {
            "machine": machine,
            "size": size.value,
            "attention": attention,
            "eight_bit_cache": eight_bit_cache,
            "decoder": decoder.value,
            "caption_ms": round(caption, 1),
            "share_gpu": share_gpu,
            "engines": [figures.to_dict() for figures in measured],
            "left_out": skipped,
        },
    )


def _table(measured: list[FullSizeFigures]) -> Table:
    """A row for each figure, a column for each engine."""
    table = Table(box=None, pad_edge=False)
    table.add_column("ms, where nothing else is said")
    for figures in measured:
        table.add_column(f"{figures.engine} {figures.precision}", justify="right")

    def share(figures: FullSizeFigures, stage: str) -> str:
        found = (figures.share_of_floor or {}).get(stage)
        return "" if found is None else f" ({found:.0%} of floor)"

    rows: list[tuple[str, list[str]]] = [
        ("context prefill", [f"{f.prefill:.1f}{share(f, 'prefill')}" for f in measured]),
        ("denoising, first chunk", [f"{f.denoise[0]:.1f}" for f in measured]),
        ("denoising, last chunk", [f"{f.denoise[-1]:.1f}" for f in measured]),
        ("clean pass, mean", [f"{sum(f.refresh) / len(f.refresh):.1f}" for f in measured]),
        ("pass, mean", [f"{f.per_pass:.1f}" for f in measured]),
        ("chunk, mean", [f"{f.chunk:.1f}{share(f, 'chunk')}" for f in measured]),
        ("decoding, first latent", [f"{f.decode_first:.1f}" for f in measured]),
        ("decoding, further latent", [f"{f.decode_further:.1f}{share(f, 'decode')}" for f in measured]),
        (
            "beat to first frame, cold",
            [f"{f.first_frame_cold:.0f}{share(f, 'first_frame_cold')}" for f in measured],
        ),
        (
            "beat to first frame, prefetched",
            [f"{f.first_frame_prefetched:.0f}{share(f, 'first_frame_prefetched')}" for f in measured],
        ),
        ("frames/s, student alone", [f"{f.frames_per_second_without_decoder:.1f}" for f in measured]),
        ("frames/s, with the decoder", [f"{f.frames_per_second:.1f}" for f in measured]),
        ("peak memory, GiB", ["-" if f.peak_gib is None else f"{f.peak_gib:.1f}" for f in measured]),
        ("engine and first shot, s", [f"{f.preparation_s:.1f}" for f in measured]),
    ]
    for name, cells in rows:
        table.add_row(name, *cells)
    return table
