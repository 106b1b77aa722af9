# SPDX-License-Identifier: Apache-2.0
"""Where results are kept, and what they were measured on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shotstream_runtime.bench.machine import describe

RESULTS = Path(__file__).parent / "results"

__all__ = ["RESULTS", "describe", "report"]


def report(name: str, results: dict[str, Any]) -> None:
    """Prints results and keeps them as ``results/<name>.json``."""
    text = json.dumps(results, indent=2)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
