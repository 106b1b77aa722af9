# SPDX-License-Identifier: Apache-2.0
"""Where and how a model computes, as the command line has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """Where and how a model is to compute, as the command line has it.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads; none for the machine's default.
        engine: Name of an engine, or ``auto``.
        precision: Name of a precision; none for the device's own.
        attention: Name of an attention kernel; none for the best.
        eight_bit_cache: Keeps the dual cache in 8 bits.
        share_gpu: Lets graphics on the same GPU go first.
        decoder: ``full`` or ``preview``.
        vram: ``auto`` or gigabytes (2**30 bytes) of the GPU that published weights may take.
    """

    device: str = "auto"
    threads: int | None = None
    engine: str = "auto"
    precision: str | None = None
    attention: str | None = None
    eight_bit_cache: bool = False
    share_gpu: bool = False
    decoder: str = "full"
    vram: str = "auto"

    def command_line(self) -> list[str]:
        """The options that say the same to another process; the device is said by its command."""
        threads = [] if self.threads is None else ["--threads", str(self.threads)]
        precision = [] if self.precision is None else ["--precision", str(self.precision)]
        return [*threads, "--engine", str(self.engine), *precision]
