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
from shotstream_runtime.engines.torch_kinds import NATIVE_FP8

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
        engine: Name of a kind, or ``auto``: the fastest that needs no preparation; with an 8-bit cache, the
            first that keeps one.
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
    asked = precision or (Precision.BF16 if device.cuda and not small else Precision.FP32)
    named = [] if engine == AUTO else [f"--engine {engine}"]
    if precision is not None:
        named.append(f"--precision {precision}")
    if eight_bit_cache:
        named.append("--eight-bit-cache")
    request = " ".join(named)
    if engine != AUTO:
        kind = by_name[engine]
        refusal = _refusal(kind, device, asked, eight_bit_cache)
        if refusal is None:
            return EngineChoice(kind, asked, f"{kind.name} in {asked}, as asked for")
        alternatives = _precisions(kind, device, eight_bit_cache) if precision is None else []
        if alternatives:
            return EngineChoice(kind, alternatives[0], f"{kind.name} runs on {device} in {alternatives[0]}")
        raise EngineError(f"{request}: {refusal}; {_possible(device, kinds, precision, eight_bit_cache)}")
    passed_over: list[str] = []
    for kind in kinds:
        # What starts at once may have no such cache: then waiting for a compiler is what was asked for.
        if not kind.automatic and not eight_bit_cache:
            continue
        refusal = _refusal(kind, device, asked, eight_bit_cache)
        if refusal is None:
            why = f"{kind.name} in {asked} on {device}"
            return EngineChoice(kind, asked, f"{why} ({'; '.join(passed_over)})" if passed_over else why)
        passed_over.append(f"not {kind.name}: {refusal}")
    possible = _possible(device, kinds, precision, eight_bit_cache)
    raise EngineError(f"{request}: no engine is picked ({'; '.join(passed_over)}); {possible}")


def without_effect(
    choice: EngineChoice, device: DeviceFacts, *, attention: str | None, share_gpu: bool
) -> tuple[str, ...]:
    """What changes nothing on a device, or less than it may seem; one sentence each, for people."""
    told: list[str] = []
    if attention is not None and not choice.kind.names_attention:
        told.append(f"--attention {attention} has no effect: {choice.kind.name} has an attention of its own")
    if share_gpu and not device.cuda:
        told.append(f"--share-gpu has no effect on {device}")
    elif share_gpu and not choice.kind.shares_gpu:
        told.append(f"--share-gpu has no effect with {choice.kind.name}")
    if choice.precision is Precision.FP8 and not device.at_least(*NATIVE_FP8):
        told.append(f"fp8 saves memory and no time on {device}: weights are spread for each use")
    return tuple(told)


def _refusal(
    kind: EngineKind, device: DeviceFacts, precision: Precision, eight_bit_cache: bool
) -> str | None:
    if eight_bit_cache and not kind.eight_bit_cache:
        return "keeps no cache in 8 bits"
    return kind.refusal(device, precision)


def _precisions(kind: EngineKind, device: DeviceFacts, eight_bit_cache: bool) -> list[Precision]:
    return [p for p in Precision if _refusal(kind, device, p, eight_bit_cache) is None]


def _possible(
    device: DeviceFacts, kinds: Sequence[EngineKind], precision: Precision | None, eight_bit_cache: bool
) -> str:
    """What runs on a device and is nearest to a request, as a part of a sentence."""
    kept = eight_bit_cache and any(_precisions(kind, device, True) for kind in kinds)
    found = {kind.name: _precisions(kind, device, kept) for kind in kinds}
    if precision is not None and any(precision in those for those in found.values()):
        found = {name: [precision] for name, those in found.items() if precision in those}
    listed = [f"{name} ({', '.join(those)})" for name, those in found.items() if those]
    without = " without --eight-bit-cache" if eight_bit_cache and not kept else ""
    return f"possible on {device}{without}: {'; '.join(listed)}"
