# SPDX-License-Identifier: Apache-2.0
"""How a model is made to fit a device, or why it cannot be; said before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from shotstream_runtime.engines import Precision
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.load import TextPlacement

from .errors import HostError
from .memory_need import Arrangement, MemoryNeed, ModelMemory

_GB: Final = 1e9
DISPLAY_RESERVE_BYTES: Final = 1 << 30
"""Of a card's memory, for the desktop and whatever else draws."""
SHORT_SHOT_CHUNKS: Final = 3
"""A shortened window keeps as many chunks, the first of them for as long as the shot lasts."""


class MemoryPlanError(HostError):
    """The model does not fit; gives the numbers."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """An arrangement that fits.

    Attributes:
        arrangement: The arrangement.
        need: What it needs.
        budget: What there is.
        costs: What was given up for it, one line each; empty if nothing was.
    """

    arrangement: Arrangement
    need: MemoryNeed
    budget: int
    costs: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """For people: what was picked and what it costs."""
        told = f"Memory: {self.need} of {self.budget / _GB:.1f} GB"
        return (told, *(f"To fit: {cost}" for cost in self.costs))


@dataclass(frozen=True, slots=True)
class _Saving:
    part: str
    apply: Callable[[Arrangement], Arrangement]
    cost: str


def plan_memory(
    memory: ModelMemory,
    config: StudentConfig,
    wanted: Arrangement,
    budget: int,
    *,
    precision_fixed: bool = False,
    eight_bit_cache_possible: bool = True,
    preview_possible: bool = False,
    window_fixed: bool = False,
    may_give_up: bool = True,
) -> MemoryPlan:
    """Gives up as little as is needed, the cheapest first.

    Args:
        memory: The model's memory.
        config: The student.
        wanted: What was asked for; it is kept where it fits.
        budget: Bytes of the device.
        precision_fixed: The precision was asked for by name, and stays.
        eight_bit_cache_possible: The engine can keep the cache in 8 bits.
        preview_possible: The file of the small decoder is there.
        window_fixed: The engine was built for the window, which stays.
        may_give_up: Whether anything may be given up at all.

    Raises:
        MemoryPlanError: It does not fit whatever is given up.
    """
    arrangement, costs = wanted, dict[str, str]()
    possible = (precision_fixed, eight_bit_cache_possible, preview_possible, window_fixed)
    savings = iter(_savings(wanted, config, *possible) if may_give_up else [])
    while (need := memory.need(arrangement)).total > budget:
        saving = next(savings, None)
        if saving is None:
            advice = "free some, or take a device with more"
            if may_give_up and not (preview_possible or wanted.preview):
                advice += "; the small decoder saves some (docs/engines.md, --decoder preview)"
            raise MemoryPlanError(f"the model needs {need}, and {budget / _GB:.1f} GB are there: {advice}")
        arrangement = saving.apply(arrangement)
        # What replaces an earlier saving of the same part replaces its cost as well.
        costs[saving.part] = saving.cost
    return MemoryPlan(arrangement, need, budget, tuple(costs.values()))


def _savings(
    wanted: Arrangement,
    config: StudentConfig,
    precision_fixed: bool,
    eight_bit_cache_possible: bool,
    preview_possible: bool,
    window_fixed: bool,
) -> list[_Saving]:
    savings = []
    if wanted.text is TextPlacement.DEVICE:
        savings.append(
            _Saving(
                "text",
                lambda now: replace(now, text=TextPlacement.EIGHT_BIT),
                "the text encoder in 8 bits: captions are read a little less exactly",
            )
        )
    if wanted.text is not TextPlacement.STREAMED:
        savings.append(
            _Saving(
                "text",
                lambda now: replace(now, text=TextPlacement.STREAMED),
                "the text encoder stays in main memory, 11.4 GB of it: a second or more for each new caption",
            )
        )
    savings.append(
        _Saving(
            "encoding",
            lambda now: replace(now, frames_per_pass=1),
            "condition frames are encoded one after another: some milliseconds for each shot",
        )
    )
    if eight_bit_cache_possible and not wanted.eight_bit_cache:
        savings.append(
            _Saving(
                "cache",
                lambda now: replace(now, eight_bit_cache=True),
                "the dual cache in 8 bits: less exact (docs/engines.md), and spread for every pass",
            )
        )
    if not precision_fixed and wanted.precision is Precision.BF16:
        savings.append(
            _Saving(
                "weights",
                lambda now: replace(now, precision=Precision.FP8),
                "the student's weights in 8 bits: less exact (docs/engines.md)",
            )
        )
    if preview_possible and not wanted.preview:
        savings.append(
            _Saving("decoder", lambda now: replace(now, preview=True), "the small decoder: softer pictures")
        )
    short = SHORT_SHOT_CHUNKS * config.frames_per_chunk
    window = wanted.window_frames or config.local_window_frames
    if window > short and not window_fixed:
        savings.append(
            _Saving(
                "window",
                lambda now: replace(now, window_frames=short),
                f"a window of {short} latent frames instead of {window}: a shot remembers its "
                "first chunk and its last ones only",
            )
        )
    return savings
