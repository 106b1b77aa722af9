# SPDX-License-Identifier: Apache-2.0
"""How far a TensorRT engine is from eager float32 by its rounding alone; on a CPU, no engine is built.

    python benchmarks/tensorrt_rounding.py

The finished network is read back, computed with torch in the types that it defines, and put under the
engine's own session; then it is measured like any other engine (`shotstream bench deviation`).
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import torch
from machine import describe, report

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "engines")]

from interpreted_engine import interpreted_kind  # noqa: E402
from shotstream_runtime.bench.exactness import measure_deviation  # noqa: E402
from shotstream_runtime.engines.engine_kind import EngineOptions  # noqa: E402
from shotstream_runtime.engines.precision import Precision  # noqa: E402
from shotstream_runtime.engines.tensorrt.products import Product  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trt, golden = Product.TENSORRT_RTX.load(), TESTS / "golden"
    kind, figures = interpreted_kind(trt, golden), {}
    for precision in (Precision.BF16, Precision.FP8, Precision.NVFP4):
        measured = measure_deviation(kind, EngineOptions(precision=precision), torch.device("cpu"), golden)
        assert measured.chunks is not None
        figures[precision.value] = {
            "chunks": asdict(measured.chunks),
            "story": asdict(measured.latents),
            "pictures": asdict(measured.pictures),
            "bounds": asdict(measured.bounds),
            "beyond": measured.beyond,
        }
    report("tensorrt_rounding", {"machine": describe("torch", "tensorrt_rtx_cu13_bindings"), **figures})


if __name__ == "__main__":
    main()
