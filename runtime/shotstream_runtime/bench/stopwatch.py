# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a piece of work, on whichever device it is done."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch


class Stopwatch:
    """Times work on a device by the wall clock, from an idle device to an idle device.

    Attributes:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._free = self._free_bytes()

    def milliseconds(self, work: Callable[[], Any]) -> float:
        """Time of a piece of work."""
        self.settle()
        begun = time.perf_counter()
        work()
        self.settle()
        return 1e3 * (time.perf_counter() - begun)

    def median(self, work: Callable[[], Any], rounds: int) -> float:
        """Median time of several rounds, after one that is not counted."""
        work()
        return statistics.median(self.milliseconds(work) for _ in range(rounds))

    def settle(self) -> None:
        """Waits until the device has nothing to do."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def forget_peak(self) -> None:
        """Starts watching memory anew."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    @property
    def peak_bytes(self) -> int | None:
        """Most memory of the device that PyTorch took since then; none on a CPU.

        Or how much less is free now, if that is more: TensorRT takes its own, and so do other programs.
        """
        if self.device.type != "cuda":
            return None
        return max(torch.cuda.max_memory_reserved(self.device), self._free - self._free_bytes())

    def _free_bytes(self) -> int:
        return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else 0
