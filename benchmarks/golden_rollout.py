# SPDX-License-Identifier: Apache-2.0
"""Time of the golden three-shot rollout: text features given, pixels out, on one thread.

    python benchmarks/golden_rollout.py

Beside it the same story over the library's own video codec shows how fast the machine is: the published code
and plain implementations take about as long as that.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from machine import describe, report
from safetensors.torch import load_file
from torch import Tensor

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

from golden_story import RecordedText, load_golden_model, open_recorded_story  # noqa: E402
from shotstream_bridge.heap import keep_freed_memory  # noqa: E402
from shotstream_runtime.engines import EagerEngine  # noqa: E402
from shotstream_runtime.streaming.events import BeatDone  # noqa: E402
from shotstream_runtime.weights.load import LoadedModel  # noqa: E402

ROUNDS = 9


def seconds_per_rollout(
    model: LoadedModel, tensors: dict[str, Tensor], rollout: dict[str, int]
) -> list[float]:
    """Wall-clock seconds of each round, the first (cold) one left out."""
    seconds = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        story = open_recorded_story(model, EagerEngine(model.student), tensors, rollout)
        # Up to the last frame: the context of a fourth shot, prepared after it, is not part of the recording.
        events = itertools.chain.from_iterable(story.advance() for _ in itertools.count())
        done = (event for event in events if isinstance(event, BeatDone))
        for _ in range(rollout["shots"]):
            next(done)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    keep_freed_memory()
    folder = TESTS / "golden"
    tensors = load_file(folder / "rollout.safetensors")
    rollout = json.loads((folder / "student_config.json").read_text(encoding="utf-8"))["rollout"]
    model = load_golden_model(folder, RecordedText(tensors["in.prompt_embeds"]))
    plain = load_golden_model(folder, RecordedText(tensors["in.prompt_embeds"]), accelerated=False)
    figures = {}
    for name, loaded in (("ours", model), ("library_codec", plain)):
        seconds = seconds_per_rollout(loaded, tensors, rollout)
        figures[name] = {
            "seconds_median": round(statistics.median(seconds), 3),
            "seconds_best": round(min(seconds), 3),
        }
    report(
        "golden_rollout",
        {"machine": describe("torch", "diffusers"), "threads": 1, "rounds": ROUNDS, **figures},
    )


if __name__ == "__main__":
    main()
