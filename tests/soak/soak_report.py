# SPDX-License-Identifier: Apache-2.0
"""The verdict on a soak, and its report: every sample as JSON, and the curves as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from soak_server import Sample
from trend import Trend, measure

MIB = 2**20
WARM_UP = 0.25
"""Part of the run that does not count: caches and pools fill, the journal comes up to its limit."""


@dataclass(frozen=True)
class Bound:
    """How much a quantity may grow over what follows the warm-up.

    Attributes:
        quantity: Of :class:`Sample`.
        share: Of its level.
        least: What it may grow in any case.
    """

    quantity: str
    share: float
    least: float

    def growth(self, trend: Trend) -> float:
        """Largest growth allowed."""
        return max(self.share * trend.level, self.least)


def bounds(minutes: float) -> tuple[Bound, ...]:
    """What has to stay level. A run of a few minutes ends before pools of memory are as large as they get."""
    memory = 0.05 if minutes >= 10 else 0.25
    return (
        Bound("server_rss", memory, 0),
        Bound("server_descriptors", 0.05, 4),
        Bound("server_threads", 0, 2),
        Bound("clients_rss", memory, 0),
        Bound("clients_descriptors", 0.05, 6),
        Bound("clients_threads", 0, 4),
    )


def steady(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the warm-up."""
    begins = WARM_UP * samples[-1].at_s
    return [sample for sample in samples if sample.at_s >= begins]


def trends(samples: Sequence[Sample], minutes: float) -> dict[str, Trend]:
    """The trend of everything that has a bound, and of the journal."""
    after = steady(samples)
    times = [sample.at_s for sample in after]
    names = [bound.quantity for bound in bounds(minutes)] + ["journal_bytes"]
    return {name: measure(times, [getattr(sample, name) for sample in after]) for name in names}


def complaints(samples: Sequence[Sample], minutes: float) -> list[str]:
    """What did not stay level."""
    found = trends(samples, minutes)
    return [
        f"{bound.quantity} grew by {found[bound.quantity].growth:,.1f} at a level of "
        f"{found[bound.quantity].level:,.0f}; {bound.growth(found[bound.quantity]):,.1f} is allowed"
        for bound in bounds(minutes)
        if found[bound.quantity].growth > bound.growth(found[bound.quantity])
    ]


def write_json(path: Path, samples: Sequence[Sample], minutes: float, facts: dict[str, Any]) -> None:
    """Writes facts, trends and samples (as columns)."""
    columns = {name: [getattr(sample, name) for sample in samples] for name in samples[0].as_json()}
    told = {
        name: {"level": round(trend.level, 1), "growth": round(trend.growth, 2)}
        for name, trend in trends(samples, minutes).items()
    }
    report = {**facts, "warm_up_s": round(WARM_UP * samples[-1].at_s), "trends": told}
    lines = json.dumps(report, indent=2).removesuffix("\n}")
    rows = ",\n".join(f"    {json.dumps(name)}: {json.dumps(values)}" for name, values in columns.items())
    path.write_text(f'{lines},\n  "samples": {{\n{rows}\n  }}\n}}\n', encoding="utf-8")


def draw(path: Path, samples: Sequence[Sample], keep_bytes: int, title: str) -> None:
    """Draws the curves over time."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    minutes = np.array([sample.at_s for sample in samples]) / 60

    def column(name: str) -> np.ndarray:
        return np.array([getattr(sample, name) for sample in samples], float)

    figure, grid = plt.subplots(2, 2, figsize=(11, 6.5), sharex=True, layout="constrained")
    figure.suptitle(title)
    memory, handles, journal, work = grid.flat
    for who, colour in (("server", "tab:blue"), ("clients", "tab:orange")):
        memory.plot(minutes, column(f"{who}_rss") / MIB, color=colour, label=who)
        handles.plot(minutes, column(f"{who}_descriptors"), color=colour, label=f"{who}: descriptors")
        handles.plot(minutes, column(f"{who}_threads"), color=colour, ls=":", label=f"{who}: threads")
    memory.set_title("resident memory, MiB")
    handles.set_title("file descriptors and threads")
    journal.plot(minutes, column("journal_bytes") / 1e6, color="tab:green", label="on disk")
    journal.axhline(keep_bytes / 1e6, color="grey", ls="--", label="--keep-gb, for what has ended")
    journal.set_title("journal, MB")
    work.plot(
        minutes[1:],
        smoothed(np.diff(column("frames_generated")) / np.diff(60 * minutes)),
        color="tab:red",
        label="frames generated a second",
    )
    work.plot(minutes, column("open_stories"), color="tab:blue", lw=0.8, label="open stories")
    work.plot(minutes, column("connected_clients"), color="grey", lw=0.8, label="clients")
    work.set_title("work")
    for axes in grid.flat:
        axes.axvspan(0, WARM_UP * minutes[-1], color="0.93", lw=0)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
    for axes in grid[1]:
        axes.set_xlabel("minutes (grey: warm-up, not judged)")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def smoothed(values: np.ndarray) -> np.ndarray:
    """Mean over a sixtieth of the run."""
    width = max(1, len(values) // 60)
    padded = np.pad(values, (width // 2, width - 1 - width // 2), "edge")
    return np.convolve(padded, np.ones(width) / width, "valid")
