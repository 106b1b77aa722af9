# SPDX-License-Identifier: Apache-2.0
"""What mini is meant to reach on held-out stories, beside what it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shotstream_training.measures import Interval, digits


@dataclass(frozen=True)
class Target:
    """A bound on a measure.

    Attributes:
        measure: Its name.
        what: What it is, for readers.
        bound: The least that is wanted; of errors the most.
        at_most: Whether the bound is the most.
    """

    measure: str
    what: str
    bound: float
    at_most: bool = False


TARGETS = (
    Target("present", "shots in which the character is present", 0.97),
    Target("coat_error", "hue error of the coat, degrees, median", 6.0, at_most=True),
    Target("accessory_error", "hue error of scarf or hat, degrees, median", 6.0, at_most=True),
    Target("hue_kept", "shots with both within 15 degrees", 0.90),
    Target("setting", "setting kept", 0.95),
    Target("framing", "framing right", 0.95),
    Target("action", "action right", 0.85),
    Target("cuts", "shot cut accuracy", 0.97),
    Target("drift", "error of the tenth shot over the second's", 1.5, at_most=True),
)


def target_table(found: Mapping[str, Interval]) -> str:
    """A markdown table of the targets whose measures were taken."""
    lines = ["| what | target | mini | missed by |", "|---|---|---|---|"]
    for target in TARGETS:
        if target.measure not in found:
            continue
        value, places = found[target.measure], 2 if target.measure == "drift" else digits(target.measure)
        missed = value.value - target.bound if target.at_most else target.bound - value.value
        short = f"{missed:.{places}f}" if missed > 0 else "met"
        limit = f"{'at most' if target.at_most else 'at least'} {target.bound:g}"
        lines.append(f"| {target.what} | {limit} | {value.text(places)} | {short} |")
    return "\n".join(lines) + "\n"
