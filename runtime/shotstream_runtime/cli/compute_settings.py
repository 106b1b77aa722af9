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
    """

    device: str = "auto"
    threads: int | None = None
    engine: str = "auto"
    precision: str | None = None
