# SPDX-License-Identifier: Apache-2.0
"""The picture of the bridge's benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

COLOURS = {
    "bare": "0.6",
    "websockets": "tab:brown",
    "raw": "tab:blue",
    "checked": "tab:cyan",
    "memory": "tab:green",
    "jpeg": "tab:orange",
}


def draw(path: Path, results: dict[str, Any], labels: dict[str, str]) -> None:
    """Draws frames a second, latency and processor time over the count of watchers, as bars."""
    counts = list(results["parts"])
    width, height = results["size"]
    figure, (speed, latency, effort) = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
    each = 0.85 / len(labels)
    for number, (variant, label) in enumerate(labels.items()):
        cases = [results["parts"][count]["cases"].get(variant) for count in counts]
        at = np.array([n for n, case in enumerate(cases) if case]) + (number - (len(labels) - 1) / 2) * each
        there = [case for case in cases if case]
        colour = COLOURS[variant]

        def column(name: str, there: list[dict[str, float]] = there) -> np.ndarray:
            return np.array([case[name] for case in there])

        counted = np.array([int(count) for count, case in zip(counts, cases, strict=True) if case])
        speed.bar(at, column("fps") * counted, each, color=colour, label=label)
        latency.bar(at, column("p99_ms"), each, color=colour, alpha=0.4)
        latency.bar(at, column("p50_ms"), each, color=colour)
        effort.bar(at, 100 * column("server_cpu"), each, color=colour)
        effort.bar(
            at, 100 * column("watcher_cpu"), each, bottom=100 * column("server_cpu"), color=colour, alpha=0.4
        )
    speed.set_title("frames a second, all watchers together")
    latency.set_title(f"latency at {results['pace_fps']:g} fps, ms (full: p50, light: p99)")
    latency.set_yscale("log")
    effort.set_title("processor time of a stream, % of a core\n(full: server, light: watcher)")
    for axes in (speed, latency, effort):
        axes.set_xticks(range(len(counts)), counts)
        axes.set_xlabel("watchers")
    figure.legend(loc="outside lower center", ncols=len(labels), fontsize=9)
    machine = next(iter(results["parts"].values()))["machine"]
    where = f"{machine['cores']} cores of {machine['processor']}, {machine['date']}"
    figure.suptitle(f"{width}x{height} over loopback, {where}")
    figure.savefig(path, dpi=110)
    plt.close(figure)
