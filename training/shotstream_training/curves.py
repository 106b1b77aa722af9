# SPDX-License-Identifier: Apache-2.0
"""Curves of a training run: numbers for the record, lines for the picture."""

from __future__ import annotations

import time
from typing import Any

from torch import Tensor


class Curves:
    """Collects named values over time without making the device wait.

    Tensors stay on their device until `flush`; only then are they read.

    Args:
        seconds_before: Training time of earlier runs that these curves go on from.
    """

    def __init__(self, seconds_before: float = 0.0) -> None:
        self._begin = time.monotonic() - seconds_before
        self._pending: list[tuple[float, int, dict[str, float | Tensor]]] = []
        self.rows: list[dict[str, float]] = []

    def add(self, step: int, **values: float | Tensor) -> None:
        """Notes values of one step."""
        kept = {
            name: value.detach() if isinstance(value, Tensor) else value for name, value in values.items()
        }
        self._pending.append((time.monotonic() - self._begin, step, kept))

    def flush(self) -> dict[str, float]:
        """Reads what is pending into one averaged row and returns it; empty where nothing is pending."""
        if not self._pending:
            return {}
        sums: dict[str, list[float]] = {}
        for _, _, values in self._pending:
            for name, value in values.items():
                sums.setdefault(name, []).append(float(value))
        seconds, step, _ = self._pending[-1]
        row = {"seconds": round(seconds, 2), "step": float(step)}
        row.update({name: sum(values) / len(values) for name, values in sums.items()})
        self._pending.clear()
        self.rows.append(row)
        return row

    def record(self) -> dict[str, Any]:
        """Columns by name, for JSON; a value that a row lacks is null."""
        names = sorted({name for row in self.rows for name in row})
        return {name: [row.get(name) for row in self.rows] for name in names}


def describe(row: dict[str, float]) -> str:
    """One log line of a row."""
    return "  ".join(f"{name} {value:.4g}" for name, value in row.items())
