# SPDX-License-Identifier: Apache-2.0
"""Where and how a model computes, as the command line has it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from .options import (
    AttentionOption,
    DecoderName,
    DecoderOption,
    Device,
    EightBitCache,
    EngineName,
    EngineOption,
    PrecisionOption,
    ShareGpu,
    Threads,
    Vram,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """Where and how a model is to compute; each field is an option, in the order in which help lists them.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads; none for the machine's default.
        engine: Name of an engine, or ``auto``.
        precision: Name of a precision; none for the device's own.
        attention: Name of an attention kernel; none for the best.
        eight_bit_cache: Keeps the dual cache in 8 bits.
        decoder: ``full`` or ``preview``.
        vram: ``auto`` or gigabytes (2**30 bytes) of the GPU that published weights may take.
        share_gpu: Lets graphics on the same GPU go first.
    """

    device: Device = "auto"
    threads: Threads = None
    engine: EngineOption = EngineName.AUTO
    precision: PrecisionOption = None
    attention: AttentionOption = None
    eight_bit_cache: EightBitCache = False
    decoder: DecoderOption = DecoderName.FULL
    vram: Vram = "auto"
    share_gpu: ShareGpu = False

    def command_line(self) -> list[str]:
        """The options that say the same to another process; the device is said by its command."""
        threads = [] if self.threads is None else ["--threads", str(self.threads)]
        precision = [] if self.precision is None else ["--precision", str(self.precision)]
        return [*threads, "--engine", str(self.engine), *precision]


def takes_compute_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of `ComputeSettings`, where it takes ``settings`` (keyword-only)."""
    hints = get_type_hints(ComputeSettings, include_extras=True)
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(ComputeSettings)
    ]
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters += options if parameter.name == "settings" else [parameter]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        settings = ComputeSettings(**{option.name: given.pop(option.name) for option in options})
        command(settings=settings, **given)

    # What Typer reads.
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options
