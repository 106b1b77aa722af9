# SPDX-License-Identifier: Apache-2.0
"""What a host counts, for metrics: plain numbers, as `shotstream_bridge.counters` has for the endpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from shotstream_bridge.counters import Histogram
from shotstream_bridge.messages import BeatOutcome, StoryEnd

from shotstream_runtime.streaming.stage_times import Stage

STAGE_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds for the stages of generation, from mini on a CPU to published weights, seconds."""
WAIT_BUCKETS_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds for what a beat waits, seconds."""


def _stages() -> dict[str, Histogram]:
    return {stage.value: Histogram(STAGE_BUCKETS_S) for stage in Stage}


@dataclass(slots=True, eq=False)
class HostCounters:
    """Counts since the host was made. Written under the host's lock, or by one thread; read at any time.

    No key is ever added, so that what reads them meets a fixed set.

    Attributes:
        frames: Frames generated.
        chunks: Chunks generated.
        beats_accepted: Beats accepted.
        beats_done: Beats that are done, by outcome.
        stories_opened: Stories opened by clients.
        stories_resumed: Stories of the journal that were gone on with.
        stories_closed: Stories that ended, by how.
        stage_s: Time of each stage of generation.
        beat_wait_s: From a beat's acceptance to its taking effect: what it waits in the queue.
        first_frame_s: From a beat's acceptance to its first frame.
    """

    frames: int = 0
    chunks: int = 0
    beats_accepted: int = 0
    beats_done: dict[str, int] = field(default_factory=lambda: {o.value: 0 for o in BeatOutcome})
    stories_opened: int = 0
    stories_resumed: int = 0
    stories_closed: dict[str, int] = field(default_factory=lambda: {e.value: 0 for e in StoryEnd})
    stage_s: dict[str, Histogram] = field(default_factory=_stages)
    beat_wait_s: Histogram = field(default_factory=lambda: Histogram(WAIT_BUCKETS_S))
    first_frame_s: Histogram = field(default_factory=lambda: Histogram(WAIT_BUCKETS_S))

    def stage_took(self, stage: Stage, seconds: float) -> None:
        """A stage ended."""
        self.stage_s[stage.value].observe(seconds)
