# SPDX-License-Identifier: Apache-2.0
"""What one case of the bridge's benchmark sends, and what both sides measure of it.

First frames go as fast as they are taken, which tells how many a second there are; and when all of them have
come, at an even pace, which tells latency and processor time of a stream as people watch it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

WINDOW = 16
"""Frames in flight to each watcher: credits, high-water marks, queues."""
PACE_FPS = 24.0
READY, FAST_DONE = "ready", "fast done"
"""What a watcher says when it may be sent frames, and when it has the fast ones."""
_SETTLE_S = 0.5


def say(word: str) -> None:
    """Tells the process that started this one."""
    print(word, flush=True)


@dataclass(frozen=True)
class Plan:
    """Counts of frames.

    Attributes:
        fast: As fast as they are taken; the first sixth is not measured.
        paced: At :data:`PACE_FPS`.
    """

    fast: int
    paced: int

    @property
    def warm_up(self) -> int:
        """Frames before the measuring begins."""
        return self.fast // 6

    @property
    def frames(self) -> int:
        """All of them."""
        return self.fast + self.paced


@dataclass
class Effort:
    """Processor time of this process, all threads, over a while."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def begin(self) -> None:
        """From here."""
        self.cpu_s, self.wall_s = time.process_time(), time.perf_counter()

    def end(self) -> None:
        """To here."""
        self.cpu_s, self.wall_s = time.process_time() - self.cpu_s, time.perf_counter() - self.wall_s

    @property
    def share(self) -> float:
        """Seconds of processor time a second."""
        return self.cpu_s / self.wall_s


def paced(plan: Plan, effort: Effort) -> Iterator[tuple[int, float]]:
    """The frames after the fast ones, and when each is due on the monotonic clock; measures the sender."""
    first = time.monotonic() + _SETTLE_S
    yield plan.fast, first
    effort.begin()
    for number in range(1, plan.paced):
        yield plan.fast + number, first + number / PACE_FPS
    effort.end()


@dataclass
class Seen:
    """What a watcher measures; :meth:`take` is called for each frame once its pixels are in hand.

    Attributes:
        fps: Of the fast part.
        latencies_ms: From publishing to pixels in hand, of the paced part.
        cpu_share: Seconds of processor time a second, in the paced part.
    """

    plan: Plan
    fps: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    cpu_share: float = 0.0
    _began: float = 0.0
    _effort: Effort = field(default_factory=Effort)
    _next: int = 0

    def take(self, index: int, created_ns: int) -> bool:
        """Counts a frame; whether it was the last."""
        now = time.monotonic_ns()
        assert index == self._next, f"frame {index} came where {self._next} was due"
        self._next += 1
        plan = self.plan
        if index == plan.warm_up:
            self._began = time.perf_counter()
        elif index == plan.fast - 1:
            self.fps = (index - plan.warm_up) / (time.perf_counter() - self._began)
            say(FAST_DONE)
        elif index == plan.fast:
            self._effort.begin()
        if index >= plan.fast:
            self.latencies_ms.append((now - created_ns) / 1e6)
        if index < plan.frames - 1:
            return False
        self._effort.end()
        self.cpu_share = self._effort.share
        return True

    def as_json(self) -> dict[str, float | list[float]]:
        """For the process that started this one."""
        told = asdict(self)
        return {name: told[name] for name in ("fps", "latencies_ms", "cpu_share")}
