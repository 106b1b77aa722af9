# SPDX-License-Identifier: Apache-2.0
"""Mini on this machine's processor: frames per second, beat to first frame, memory over 5 and 50 shots.

python benchmarks/mini.py [--threads N] [--shots 50]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import torch
from machine import describe, report
from shotstream_bridge.heap import keep_freed_memory
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.host.compute import default_threads
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel, load_model

GLOBAL_CAPTION = "A small orange fox with a blue coat and a yellow hat in a snowy forest."
ACTIONS = ("walks", "waves", "jumps", "stands", "runs")
FRAMINGS = ("Wide shot.", "Close-up.", "Medium shot.")


def beat(number: int) -> Beat:
    """A beat whose words differ from shot to shot, so that nothing comes out of a cache."""
    text = f"{FRAMINGS[number % 3]} The fox {ACTIONS[number % 5]}."
    return Beat(id=str(number), text=text)


def open_story(model: LoadedModel) -> StoryStream:
    """A fresh story on the eager engine."""
    return StoryStream(model, EagerEngine(model.student), global_caption=GLOBAL_CAPTION, seed=1)


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
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class PeakMemory:
    """Samples resident memory every 50 ms while it runs."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while not self._end.wait(0.05):
            self.peak_mib = max(self.peak_mib, resident_mib())

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end.set()
        self._thread.join()


def one_run(shots: int) -> dict[str, Any]:
    """Figures of one process."""
    started = time.perf_counter()
    model = load_model("mini")
    loaded = time.perf_counter() - started
    story = open_story(model)
    _, cold = play(story, 0, 1)
    with PeakMemory() as memory:
        started = time.perf_counter()
        frames, warm = play(story, 1, shots - 1)
        elapsed = time.perf_counter() - started
    return {
        "shots": shots,
        "size": f"{model.profile.width}x{model.profile.height}",
        "load_s": round(loaded, 2),
        "frames_per_second": round(frames / elapsed, 1),
        "beat_to_first_frame_ms": {
            "cold": round(cold[0] * 1000),
            "next_beat_median": round(statistics.median(warm) * 1000),
            "next_beat_worst": round(max(warm) * 1000),
        },
        "peak_memory_mib": round(memory.peak_mib),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=default_threads(), help="torch threads")
    parser.add_argument("--shots", type=int, default=50, help="shots of the long story")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    keep_freed_memory()
    if options.one:
        print(json.dumps(one_run(options.one)))
        return
    runs = []
    for shots in (5, options.shots):
        # A process each: peak memory must not be another run's.
        command = [sys.executable, __file__, "--threads", str(options.threads), "--one", str(shots)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        runs.append(json.loads(out.splitlines()[-1]))
    report("mini", {"machine": describe("torch", "diffusers"), "threads": options.threads, "runs": runs})


if __name__ == "__main__":
    main()
