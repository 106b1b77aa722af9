# SPDX-License-Identifier: Apache-2.0
"""`shotstream engine`: build TensorRT engines, and look after those that were built."""
# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help is instant

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..failure import CommandFailed, ExitCode
from ..installation import install_command
from ..options import Device, EngineName, Model, Threads
from ..terminal import console, error_console, print_table, telling

if TYPE_CHECKING:
    import torch

    from shotstream_runtime.engines.tensorrt.products import Product
    from shotstream_runtime.engines.tensorrt.store import EngineStore, StoredEngine
    from shotstream_runtime.weights.load import LoadedModel


class BuiltEngine(StrEnum):
    """Engines that are built beforehand."""

    TENSORRT_RTX = "tensorrt-rtx"
    TENSORRT = "tensorrt"


class BuiltPrecision(StrEnum):
    """Number formats they can be built in."""

    BF16 = "bf16"
    FP8 = "fp8"
    NVFP4 = "nvfp4"


_FIRST_ENGINE = "build one with: shotstream engine build --model MODEL"

Engines = Annotated[
    Path | None,
    typer.Option(
        "--engines",
        metavar="DIR",
        help="Where engines are kept. Default: $SHOTSTREAM_ENGINES, or your caches.",
    ),
]
Key = Annotated[
    str, typer.Argument(metavar="KEY", help="As `shotstream engine list` shows it, or its beginning.")
]


def build(
    model: Model,
    engine: Annotated[
        BuiltEngine,
        typer.Option("--engine", help="tensorrt-rtx for GeForce and RTX PRO; tensorrt for others."),
    ] = BuiltEngine.TENSORRT_RTX,
    precision: Annotated[
        BuiltPrecision, typer.Option("--precision", help="Number format.")
    ] = BuiltPrecision.BF16,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="SM",
            help="Compute capability, e.g. sm89; repeat for several. "
            "Default: all that compute in the precision.",
        ),
    ] = None,
    share_gpu: Annotated[
        bool,
        typer.Option("--share-gpu", help="Kernels of 48 KiB shared memory, so that a game draws on."),
    ] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say what the build would take.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Build even if there is such an engine.")] = False,
    engines: Engines = None,
) -> None:
    """Builds a model's engine; for tensorrt-rtx this works on a machine without a GPU."""
    from shotstream_runtime.engines.precision import Precision
    from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges
    from shotstream_runtime.engines.tensorrt.commands import calibrate_command
    from shotstream_runtime.engines.tensorrt.errors import EngineUnusable
    from shotstream_runtime.engines.tensorrt.estimate import estimate_build
    from shotstream_runtime.engines.tensorrt.making import calibration_path, make_engine, recipe_for
    from shotstream_runtime.engines.tensorrt.offer import installed
    from shotstream_runtime.engines.tensorrt.precisions import quantised
    from shotstream_runtime.engines.tensorrt.products import Product

    # What cannot be is told before the weights are read.
    product, numbers = Product(engine.value), Precision(precision.value)
    targets = product.targets_for(numbers, tuple(map(_target, target or ())))
    _require_gpu(product)
    if not installed(product):
        raise CommandFailed(f"{product.not_installed}; get it with: {install_command(product.value)}")
    product.load()
    store = _store(engines)
    if not estimate:
        store.require_writable()
    loaded = _load(model, numbers.dtype, on_gpu=not product.builds_without_gpu)
    ranges = None
    if quantised(numbers):
        path = calibration_path(store, loaded.profile.weights_hash)
        ranges = ActivationRanges.read(path, calibrate_command(model, store.folder))
    recipe = recipe_for(loaded, product, numbers, targets=targets, share_gpu=share_gpu, ranges=ranges)
    decoder = sum(weight.numel() for weight in loaded.video.vae.decoder.parameters())
    expected = estimate_build(recipe.tensors, len(recipe.targets), decoder)
    where = ", ".join(f"sm{number}" for number in recipe.targets) or "the GPU of this machine"
    console.print(
        f"{loaded.name} in {numbers} for {where}: about {_seconds(expected.seconds)}, "
        f"{_gigabytes(expected.memory_bytes)} of memory, {_gigabytes(expected.disk_bytes)} on disk",
        soft_wrap=True,
    )
    if estimate:
        return
    if not anew:
        try:
            there = store.find(recipe)
        except EngineUnusable:
            pass
        else:
            console.print(f"It is there already: {there.key} (build it again with --anew)", soft_wrap=True)
            return
    _refuse_without_room(store, expected.disk_bytes)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    on_terminal = error_console.is_terminal
    with Progress(*columns, console=error_console, transient=True, disable=not on_terminal) as progress:
        task = progress.add_task("building", total=1.0)
        try:
            made = make_engine(
                store,
                recipe,
                loaded,
                ranges,
                told=lambda what, done: progress.update(task, description=escape(what), completed=done),
                expected_s=expected.seconds,
            )
        except OSError as error:
            raise CommandFailed(
                f"the engine cannot be written to {store.folder} ({error.strerror or error}), and nothing is "
                "left of it there; make room, or choose another folder with --engines"
            ) from error
    record = made.record
    took = record.built_s if record else 0.0
    console.print(
        f"[green]Built[/] {made.key} in {_seconds(took)}: {_gigabytes(made.disk_bytes)} in "
        f"{escape(str(made.folder))}",
        soft_wrap=True,
    )


def calibrate(
    stories: Annotated[list[Path], typer.Argument(metavar="STORY...", help="Story files.")],
    model: Model,
    threads: Threads = None,
    device: Device = "auto",
    engines: Engines = None,
) -> None:
    """Generates stories and measures how large activations get, which fp8 and nvfp4 engines need."""
    from shotstream_runtime.engines.tensorrt.making import calibration_path
    from shotstream_runtime.engines.tensorrt.range_recorder import RangeRecorder
    from shotstream_runtime.host.observers import Observers
    from shotstream_runtime.host.rendering import render_story
    from shotstream_runtime.host.story_file import read_story

    from ..compute_settings import ComputeSettings
    from ..model_loading import load

    store = _store(engines)
    store.require_writable()
    scripts = [read_story(path) for path in stories]
    loaded = load(model, ComputeSettings(device=device, threads=threads, engine=EngineName.EAGER))
    recorder = RangeRecorder(loaded.model.student)
    with recorder.watching():
        for path, script in zip(stories, scripts, strict=True):
            console.print(f"Generating {escape(path.name)} ...", style="dim")
            render_story(loaded.model, loaded.engine, script, script.seed, Observers(()))
    weights = loaded.model.profile.weights_hash
    ranges = recorder.ranges(weights, tuple(path.stem for path in stories))
    path = calibration_path(store, weights)
    partial = path.with_suffix(".partial")
    partial.write_text(ranges.model_dump_json(indent=1), encoding="utf-8")
    partial.replace(path)
    told = _counted(len(scripts), "story", "stories")
    console.print(f"[green]Measured[/] {ranges.passes} passes of {told}: {escape(str(path))}", soft_wrap=True)


def list_engines(engines: Engines = None) -> None:
    """Lists the engines there are."""
    store = _store(engines)
    found = store.engines()
    if not found:
        console.print(f"No engines in {escape(str(store.folder))}; {_FIRST_ENGINE}", soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("key", "engine", "precision", "targets", "size", "made", "state"):
        table.add_column(column)
    for one in found:
        recipe = one.record.recipe if one.record else None
        table.add_row(
            one.key,
            f"{recipe.product} {recipe.product_version}" if recipe else "?",
            str(recipe.precision) if recipe else "?",
            " ".join(f"sm{number}" for number in recipe.targets) or "this GPU" if recipe else "?",
            _gigabytes(one.disk_bytes),
            one.record.made[:10] if one.record else "?",
            f"[bold red]{escape(one.problem)}[/]" if one.problem else "[green]ok[/]",
        )
    print_table(table)


def info(key: Key, engines: Engines = None) -> None:
    """Tells everything about an engine, and reads it whole to see whether it is intact."""
    from shotstream_runtime.engines.tensorrt.commands import build_command
    from shotstream_runtime.engines.tensorrt.errors import EngineUnusable

    store = _store(engines)
    one = _one(store, key)
    if one.record is not None:
        recipe = one.record.recipe
        rows = {
            "engine": f"{recipe.product} {recipe.product_version}",
            "precision": str(recipe.precision),
            "targets": " ".join(f"sm{number}" for number in recipe.targets) or "the GPU it was built on",
            "latents": f"{recipe.width}x{recipe.height}",
            "student": ", ".join(
                f"{name} {recipe.student[name]}" for name in ("num_layers", "dim", "num_heads")
            ),
            "weights": recipe.weights_hash[:16],
            "shared memory": "all"
            if recipe.shared_memory_bytes is None
            else f"{recipe.shared_memory_bytes} bytes",
            "size": _gigabytes(one.disk_bytes),
            "beside it, on the GPU": (
                f"{_gigabytes(recipe.tensors.buffer_bytes)} of buffers for a story, "
                f"{_gigabytes(one.record.scratch_bytes)} while a pass runs, "
                f"{_gigabytes(one.record.decoder_scratch_bytes)} while a latent is decoded"
            ),
            "built": f"{one.record.made}, in {_seconds(one.record.built_s)}",
        }
        for name, value in rows.items():
            console.print(f"[dim]{name}:[/] {escape(value)}", soft_wrap=True)
        try:
            for name in one.record.files:
                store.read(one, name)
        except EngineUnusable as error:
            command = build_command(recipe, one.record.model, store.folder, anew=True)
            raise CommandFailed(f"{error}; build it again with: {command}") from error
    if one.problem:
        raise CommandFailed(
            f"the engine {one.folder} {one.problem}; delete it with: shotstream engine clear {one.key}"
        )
    console.print("[green]It is intact.[/]")


def clear(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY...]", help="Engines to delete.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Delete all of them, and what killed builds left.")
    ] = False,
    engines: Engines = None,
) -> None:
    """Deletes engines."""
    store = _store(engines)
    if bool(keys) == everything:
        raise CommandFailed("give the keys of the engines to delete, or --all", ExitCode.USAGE)
    chosen = store.engines() if everything else [_one(store, key) for key in keys or ()]
    try:
        freed = sum(store.remove(one) for one in chosen)
        left = store.remove_leftovers() if everything else 0
    except OSError as error:
        raise CommandFailed(f"nothing can be deleted in {store.folder}: {error}") from error
    if chosen or not left:
        console.print(f"Deleted {_counted(len(chosen), 'engine', 'engines')}, {_gigabytes(freed)}")
    if left:
        console.print(f"Deleted what builds left that were killed, {_gigabytes(left)}")


def _store(folder: Path | None) -> EngineStore:
    from shotstream_runtime.engines.tensorrt.store import EngineStore, default_folder

    return EngineStore(folder or default_folder())


def _require_gpu(product: Product) -> None:
    from shotstream_runtime.host.compute import ComputeError, choose_device

    if product.builds_without_gpu:
        return
    try:
        choose_device("cuda")
    except ComputeError as error:
        raise CommandFailed(
            f"--engine {product.value} builds on the GPU that will run it, and there is none here; build it "
            "there, or for GeForce and RTX PRO on any machine with --engine tensorrt-rtx"
        ) from error


def _refuse_without_room(store: EngineStore, needed: int) -> None:
    """Before minutes of building rather than after them."""
    there = next(path for path in (store.folder, *store.folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise CommandFailed(
            f"the engine needs {_gigabytes(needed)} in {store.folder} and {_gigabytes(free)} are free; "
            "make room, or choose another folder with --engines"
        )


def _one(store: EngineStore, key: str) -> StoredEngine:
    engines = store.engines()
    found = [one for one in engines if one.key.startswith(key)]
    if len(found) != 1:
        problem = "is not there" if not found else "fits several"
        there = (
            f"there are: {', '.join(one.key for one in engines)}"
            if engines
            else f"there are none; {_FIRST_ENGINE}"
        )
        raise CommandFailed(f"engine {key}: {problem} in {store.folder}; {there}", ExitCode.USAGE)
    return found[0]


def _load(model: str, dtype: torch.dtype, *, on_gpu: bool) -> LoadedModel:
    from ..model_loading import importing, model_source

    with importing():
        from shotstream_runtime.host.compute import choose_device
        from shotstream_runtime.weights.load import load_model
    source = model_source(model)
    with telling(f"Loading {model}") as tell:
        device = choose_device("cuda" if on_gpu else "cpu")
        return load_model(source, device=device, dtype=dtype, report=tell)


def _target(text: str) -> int:
    digits = text.lower().removeprefix("sm").replace(".", "")
    if not digits.isdecimal():
        raise CommandFailed(
            f"--target {text}: expected a compute capability such as sm89 or 8.9", ExitCode.USAGE
        )
    return int(digits)


def _seconds(seconds: float) -> str:
    return (
        f"{seconds:.1f} s"
        if seconds < 10
        else f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
    )


def _gigabytes(count: float) -> str:
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count < 1e8 else f"{count / 1e6:.0f} MB"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
