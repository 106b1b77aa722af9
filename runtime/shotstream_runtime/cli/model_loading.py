# SPDX-License-Identifier: Apache-2.0
"""Loading the model that the command line names."""
# ruff: noqa: PLC0415 - what is heavy is imported when a model is loaded, so that help is instant

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .failure import CommandFailed, ExitCode
from .options import BUILT_IN_MODEL
from .terminal import error_console

if TYPE_CHECKING:
    from shotstream_runtime.engines import Engine
    from shotstream_runtime.weights.load import LoadedModel


def load(model: str, device: str, threads: int | None) -> tuple[LoadedModel, Engine]:
    """Loads a model and makes its engine.

    Args:
        model: ``mini``, or a folder of published weights.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads; None for the machine's default.

    Raises:
        CommandFailed: There is no such folder.
        WeightsError: A file is missing, damaged or does not fit.
        ComputeError: There is no such device.
    """
    source: Literal["mini"] | Path
    if model == BUILT_IN_MODEL:
        source = "mini"
    else:
        source = Path(model)
        if not source.is_dir():
            raise CommandFailed(
                f"--model {model}: is neither mini nor a folder; get the published weights with: "
                f"shotstream weights fetch {model}",
                ExitCode.USAGE,
            )
    try:
        import torch

        from shotstream_runtime.engines import EagerEngine
        from shotstream_runtime.host.compute import choose_device, set_threads
        from shotstream_runtime.weights.load import load_model
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("shotstream"):
            raise
        raise CommandFailed(
            f"{error.name} is not installed; get it with: pip install 'shotstream[runtime]'"
        ) from error

    # Loading is ours to judge: what diffusers warns of here (casting its module) is meant.
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    set_threads(threads)
    chosen = choose_device(device)
    # The published student was trained in bfloat16; a CPU computes float32 faster and more exactly.
    dtype = torch.bfloat16 if chosen.type == "cuda" and model != BUILT_IN_MODEL else torch.float32
    if error_console.is_terminal:
        with error_console.status(f"Loading {model} ..."):
            loaded = load_model(source, device=str(chosen), dtype=dtype)
    else:
        loaded = load_model(source, device=str(chosen), dtype=dtype)
    return loaded, EagerEngine(loaded.student)
