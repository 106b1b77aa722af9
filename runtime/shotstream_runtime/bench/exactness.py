# SPDX-License-Identifier: Apache-2.0
"""The deviation of an engine on this machine, from the eager one in float32 on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.streaming.deviation import (
    DeviationReport,
    Rollout,
    chunk_deviation,
    compare_rollouts,
    roll,
)
from shotstream_runtime.streaming.golden import load_golden_model
from shotstream_runtime.weights.load import load_model


def measure_deviation(
    kind: EngineKind, options: EngineOptions, device: torch.device, golden: Path | None = None
) -> DeviationReport:
    """Runs mini, and the recorded chunks of a golden folder if there is one.

    Args:
        kind: The engine.
        options: How it is to run.
        device: Where.
        golden: Folder of recorded numbers.

    Raises:
        EngineError: The engine cannot be made.
    """
    chunks = None
    dtype = options.precision.dtype
    if golden is not None:
        recorded, engine = kind.build(
            load_golden_model(golden, _NO_TEXT, device=device, dtype=dtype), options
        )
        chunks = chunk_deviation(engine, recorded, golden)
    # The autoencoder is no part of the engine: in float32 its own rounding is not told as the engine's.
    ours = load_model("mini", device, dtype, video_dtype=torch.float32)
    ours, engine = kind.build(ours, options)
    with _whole_float32():
        made = roll(ours, engine)
    latents, pictures = compare_rollouts(made, _truth())
    return DeviationReport(
        engine=kind.name,
        precision=options.precision,
        eight_bit_cache=options.eight_bit_cache,
        chunks=chunks,
        latents=latents,
        pictures=pictures,
    )


@contextmanager
def _whole_float32() -> Iterator[None]:
    """A GPU's convolutions in float32 are not rounded to TF32, as torch lets them by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


@cache
def _truth() -> Rollout:
    """The story of mini as eager float32 makes it on the CPU: the same for every engine."""
    true = load_model("mini")
    return roll(true, EagerEngine(true.student))


class _NoText:
    """Recorded chunks bring the features of their captions."""

    def encode(self, prompt: str) -> Any:
        raise LookupError(f"nothing encodes {prompt!r} here")


_NO_TEXT = _NoText()
