# SPDX-License-Identifier: Apache-2.0
"""Loading the model that the command line names."""
# ruff: noqa: PLC0415 - what is heavy is imported when a model is loaded, so that help is instant

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .compute_settings import ComputeSettings
from .failure import CommandFailed, ExitCode
from .fitting import equip, fit
from .options import BUILT_IN_MODEL
from .terminal import telling

if TYPE_CHECKING:
    import torch

    from shotstream_runtime.engines import Engine
    from shotstream_runtime.engines.choice import EngineChoice
    from shotstream_runtime.weights.load import LoadedModel

# Of the loading's whole: how much is done after the imports, and once the weights are where they compute.
_IMPORTED = 0.1
_LOADED = 0.95


@contextmanager
def importing() -> Iterator[None]:
    """Imports the runtime's heavy packages, and says what to do where one is missing or broken.

    Raises:
        CommandFailed: Instead of the import's error.
    """
    # Modules stay: looking for garbage among them finds none and takes a sixth of the time that they take.
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
        # Nor are they looked through again while frames are due, which would take a third of a second.
        gc.freeze()
    except ImportError as error:
        if error.name is not None and error.name.startswith("shotstream"):
            raise
        raise CommandFailed(
            f"a package is missing or broken ({error}); shotstream doctor says more"
        ) from error
    finally:
        if collecting:
            gc.enable()


def model_source(model: str) -> Literal["mini"] | Path:
    """What ``--model`` names.

    Raises:
        CommandFailed: It is neither mini nor a folder.
    """
    if model == BUILT_IN_MODEL:
        return "mini"
    folder = Path(model)
    if folder.is_file():
        raise CommandFailed(
            f"--model {model}: is a file; give the folder that holds the weights ({folder.parent})",
            ExitCode.USAGE,
        )
    if not folder.is_dir():
        raise CommandFailed(
            f"--model {model}: is neither mini nor a folder; get the published weights with: "
            f"shotstream weights fetch {model}",
            ExitCode.USAGE,
        )
    return folder


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model and what executes it.

    Attributes:
        model: The model.
        engine: Executes its student.
        notes: What was picked and why, one line each, for people.
    """

    model: LoadedModel
    engine: Engine
    notes: tuple[str, ...]


def choose(settings: ComputeSettings, *, small: bool) -> tuple[torch.device, EngineChoice]:
    """The device and the engine; also sets how many threads this process computes with.

    Args:
        settings: What is asked for.
        small: The model is mini.

    Raises:
        ComputeError: There is no such device.
        EngineError: The engine or the precision is not possible there; lists what is.
    """
    from shotstream_runtime.engines.choice import choose_engine
    from shotstream_runtime.engines.device_facts import DeviceFacts
    from shotstream_runtime.engines.precision import Precision
    from shotstream_runtime.host.compute import choose_device, set_threads

    device = choose_device(settings.device)
    set_threads(settings.threads)
    precision = None if settings.precision is None else Precision(settings.precision)
    facts, cache = DeviceFacts.of(device), settings.eight_bit_cache
    return device, choose_engine(facts, settings.engine, precision, small=small, eight_bit_cache=cache)


def load(
    model: str,
    settings: ComputeSettings,
    report: Callable[[str, float], None] = lambda step, fraction: None,
) -> Loaded:
    """Loads a model and makes its engine.

    Args:
        model: ``mini``, or a folder of published weights.
        settings: Where and how it computes.
        report: Told what is being done, and the fraction of the whole that is done.

    Raises:
        CommandFailed: There is no such folder.
        WeightsError: A file is missing, damaged or does not fit.
        ComputeError: There is no such device.
        EngineError: The engine or the precision is not possible there; lists what is.
        MemoryPlanError: It does not fit the device's memory; gives the numbers.
    """
    source = model_source(model)
    with telling(f"Loading {model}", report) as tell:
        tell("importing PyTorch", 0.0)
        with importing():
            from shotstream_bridge.heap import keep_freed_memory

            # Before the model's own packages, which take seconds to import, and before its weights, which
            # take minutes: what cannot be is told at once.
            chosen, choice = choose(settings, small=model == BUILT_IN_MODEL)
            keep_freed_memory()

            from shotstream_runtime.engines.choice import without_effect
            from shotstream_runtime.engines.device_facts import DeviceFacts
            from shotstream_runtime.engines.engine_kind import EngineOptions
            from shotstream_runtime.weights.load import load_model
            from shotstream_runtime.weights.loading_report import between
            from shotstream_runtime.weights.outline import read_outline

        idle = without_effect(
            choice, DeviceFacts.of(chosen), attention=settings.attention, share_gpu=settings.share_gpu
        )
        arrangement, told = fit(source, chosen, choice, settings)
        options = EngineOptions(
            precision=arrangement.precision,
            attention=settings.attention,
            eight_bit_cache=arrangement.eight_bit_cache,
            share_gpu=settings.share_gpu,
        )
        if choice.kind.preflight is not None:
            tell("looking for the engine", _IMPORTED)
            choice.kind.preflight(read_outline(source), DeviceFacts.of(chosen), options)
        # Loading is ours to judge: what diffusers warns of here (casting its module) is meant.
        logging.getLogger("diffusers").setLevel(logging.ERROR)
        loaded = load_model(
            source,
            device=chosen,
            dtype=arrangement.precision.dtype,
            text_placement=arrangement.text,
            report=between(tell, _IMPORTED, _LOADED),
        )
        loaded = equip(arrangement, loaded, source)
        tell("building the engine", _LOADED)
        loaded, engine = choice.kind.build(loaded, options)
    waits = (choice.kind.first_wait,) if choice.kind.first_wait else ()
    return Loaded(loaded, engine, (f"Engine: {choice.reason}", *waits, *idle, *told))
