# SPDX-License-Identifier: Apache-2.0
"""Mini on this machine's processor: frames per second, beat to first frame, memory."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shotstream_runtime.engines import Engine
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel

GLOBAL_CAPTION = "A small orange fox with a blue coat and a yellow hat in a snowy forest."
ACTIONS = ("walks", "waves", "jumps", "stands", "runs")
FRAMINGS = ("Wide shot.", "Close-up.", "Medium shot.")
_SAMPLE_S = 0.05


def beat(number: int) -> Beat:
    """A beat whose words differ from shot to shot, so that nothing comes out of a cache."""
    text = f"{FRAMINGS[number % 3]} The fox {ACTIONS[number % 5]}."
    return Beat(id=str(number), text=text)


def play(story: StoryStream, first: int, shots: int) -> tuple[int, list[float]]:
    """Sends one beat per shot, each when the story is idle.

    Returns:
        Frames generated, and per shot the seconds from beat to first frame.
    """
    frames, latencies = 0, []
    for number in range(first, first + shots):
        sent = time.perf_counter()
        story.submit(beat(number))
        waiting = True
        while not story.idle:
            for event in story.advance():
                if isinstance(event, FramesReady):
                    if waiting:
                        latencies.append(time.perf_counter() - sent)
                        waiting = False
                    frames += len(event.pixels)
    return frames, latencies


def resident_mib() -> float:
    """Resident memory now, in MiB; the peak where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        import psutil  # noqa: PLC0415 - where nothing else tells

        return float(psutil.Process().memory_info().rss) / (1 << 20)
    import resource  # noqa: PLC0415 - POSIX only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class PeakMemory:
    """Samples resident memory while it is entered."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while not self._end.wait(_SAMPLE_S):
            self.peak_mib = max(self.peak_mib, resident_mib())

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end.set()
        self._thread.join()


@dataclass(frozen=True, slots=True)
class MiniFigures:
    """What was measured of one story.

    Attributes:
        shots: Its shots.
        frames_per_second: Over all shots but the first.
        cold_ms: Beat to first frame of the first shot.
        next_median_ms: The same of the other shots, median.
        next_worst_ms: And the worst.
        peak_mib: Most memory of the process.
    """

    shots: int
    frames_per_second: float
    cold_ms: float
    next_median_ms: float
    next_worst_ms: float
    peak_mib: float

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "shots": self.shots,
            "frames_per_second": round(self.frames_per_second, 1),
            "beat_to_first_frame_ms": {
                "cold": round(self.cold_ms),
                "next_beat_median": round(self.next_median_ms),
                "next_beat_worst": round(self.next_worst_ms),
            },
            "peak_memory_mib": round(self.peak_mib),
        }


def measure_mini(model: LoadedModel, engine: Engine, shots: int) -> MiniFigures:
    """Plays a story of `shots` shots, at least two, in this process, whose peak memory must be its own."""
    story = StoryStream(model, engine, global_caption=GLOBAL_CAPTION, seed=1)
    _, cold = play(story, 0, 1)
    with PeakMemory() as memory:
        started = time.perf_counter()
        frames, later = play(story, 1, shots - 1)
        elapsed = time.perf_counter() - started
        # A story shorter than a sample's period has a peak too.
        memory.peak_mib = max(memory.peak_mib, resident_mib())
    return MiniFigures(
        shots=shots,
        frames_per_second=frames / elapsed,
        cold_ms=1e3 * cold[0],
        next_median_ms=1e3 * statistics.median(later),
        next_worst_ms=1e3 * max(later),
        peak_mib=memory.peak_mib,
    )
