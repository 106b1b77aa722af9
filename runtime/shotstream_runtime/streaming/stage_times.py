# SPDX-License-Identifier: Apache-2.0
"""How long the stages of generation take, without holding them up."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch

STALLED_S: Final = 600.0
"""A stage that takes longer hangs; published weights on a CPU take minutes for a chunk."""


class Stage(StrEnum):
    """What a story's frames are made of."""

    CAPTION = "caption"
    """Encoding a beat's text; next to nothing if its words are known."""
    PREFILL = "prefill"
    """Filling the global cache with the condition frames of earlier shots."""
    REFRESH = "refresh"
    """The clean pass over the chunk before, for the local cache."""
    DENOISE = "denoise"
    """The denoising passes of a chunk."""
    DECODE = "decode"
    """The frames of one latent."""


Measure = Callable[[Stage], AbstractContextManager[None]]
"""Times what is done inside the context that it gives."""


def unmeasured(stage: Stage) -> AbstractContextManager[None]:
    """Times nothing."""
    del stage
    return nullcontext()


class StageTimes:
    """Times stages on any thread. On a GPU by its own clock: events in its queue, read once it passed them.

    Args:
        device: Where the model computes.
        told: Called with each stage and its seconds, by whichever thread comes by; one at a time.
    """

    def __init__(self, device: torch.device, told: Callable[[Stage, float], None]) -> None:
        self._cuda = device.type == "cuda"
        self._told = told
        self._telling = threading.Lock()
        self._pending: deque[tuple[Stage, torch.cuda.Event, torch.cuda.Event]] = deque()
        self._begun: dict[int, float] = {}

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Times what is done inside. A stage that fails is not counted."""
        thread, begun = threading.get_ident(), time.monotonic()
        self._begun[thread] = begun
        try:
            if self._cuda:
                import torch  # noqa: PLC0415 - a server knows the stages before it loads what they run on

                start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                start.record()
                yield
                end.record()
                self._pending.append((stage, start, end))
                self._tell_passed()
            else:
                yield
                with self._telling:
                    self._told(stage, time.monotonic() - begun)
        finally:
            self._begun.pop(thread, None)

    def why_stalled(self) -> str | None:
        """What is wrong, if a stage has been running for longer than any can take."""
        longest = max((time.monotonic() - begun for begun in list(self._begun.values())), default=0.0)
        return f"generation has been stuck for {longest:.0f} s" if longest > STALLED_S else None

    def _tell_passed(self) -> None:
        with self._telling:
            while self._pending and self._pending[0][2].query():
                stage, start, end = self._pending.popleft()
                self._told(stage, start.elapsed_time(end) / 1000)
