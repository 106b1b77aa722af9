# SPDX-License-Identifier: Apache-2.0
"""Which engine and precision to take on a device, before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.engine_kind import EngineKind
from shotstream_runtime.engines.errors import EngineError
from shotstream_runtime.engines.kinds import ENGINE_KINDS
from shotstream_runtime.engines.precision import Precision

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine and a precision that go together on a device.

    Attributes:
        kind: The engine.
        precision: The precision.
        reason: Why these, in a few words for people.
    """

    kind: EngineKind
    precision: Precision
    reason: str


def choose_engine(
    device: DeviceFacts,
    engine: str = AUTO,
    precision: Precision | None = None,
    *,
    small: bool = False,
    eight_bit_cache: bool = False,
    kinds: Sequence[EngineKind] = ENGINE_KINDS,
) -> EngineChoice:
    """Resolves what the command line asks for.

    Args:
        device: The device.
        engine: Name of a kind, or ``auto``: the fastest that needs no preparation.
        precision: Precision; none: bfloat16, in which the published student was trained, on a GPU, and
            float32 on a CPU, which computes it faster and more exactly.
        small: The model is small (mini): float32 costs it nothing on a GPU either.
        eight_bit_cache: The dual cache is to be kept in 8 bits.
        kinds: The kinds there are, those first that ``auto`` prefers.

    Raises:
        EngineError: The choice is not possible on this device; lists what is.
    """
    by_name = {kind.name: kind for kind in kinds}
    if engine != AUTO and engine not in by_name:
        raise EngineError(f"--engine {engine}: unknown; use {AUTO}, {', '.join(by_name)}")

    def refusal_of(kind: EngineKind, precision: Precision) -> str | None:
        if eight_bit_cache and not kind.eight_bit_cache:
            return "it keeps no cache in 8 bits (--eight-bit-cache)"
        return kind.refusal(device, precision)

    asked = precision or (Precision.BF16 if device.cuda and not small else Precision.FP32)
    if engine != AUTO:
        kind = by_name[engine]
        refusal = refusal_of(kind, asked)
        if refusal is None:
            return EngineChoice(kind, asked, f"{kind.name} in {asked}, as asked for")
        alternatives = [] if precision is not None or eight_bit_cache else _precisions(kind, device)
        if alternatives:
            return EngineChoice(kind, alternatives[0], f"{kind.name} runs on {device} in {alternatives[0]}")
        asked_for = f"--engine {engine}" + (f" --precision {precision}" if precision else "")
        raise EngineError(f"{asked_for}: {refusal}; {_possible(device, kinds)}")
    passed_over: list[str] = []
    for kind in kinds:
        if not kind.automatic:
            continue
        refusal = refusal_of(kind, asked)
        if refusal is None:
            why = f"{kind.name} in {asked} on {device}"
            return EngineChoice(kind, asked, f"{why} ({'; '.join(passed_over)})" if passed_over else why)
        passed_over.append(f"not {kind.name}: {refusal}")
    how = f"--precision {asked}" + (" --eight-bit-cache" if eight_bit_cache else "")
    raise EngineError(f"{how}: --engine auto finds none here; {_possible(device, kinds)}")


def _precisions(kind: EngineKind, device: DeviceFacts) -> list[Precision]:
    return [precision for precision in Precision if kind.refusal(device, precision) is None]


def _possible(device: DeviceFacts, kinds: Sequence[EngineKind]) -> str:
    """What runs on a device, as a part of a sentence."""
    choices = {kind.name: _precisions(kind, device) for kind in kinds}
    listed = [f"{name} ({', '.join(found)})" for name, found in choices.items() if found]
    return f"possible on {device}: {'; '.join(listed)}"
