# SPDX-License-Identifier: Apache-2.0
"""The student at its published size (1.4 B parameters, 832x480) with random weights, eager bf16, on one GPU.

    python benchmarks/full_size_gpu.py [--out FILE]

Times the transformer alone: context prefill, and the chunks of one shot (four denoising passes and the clean
pass each). Random weights make no picture, but the arithmetic is that of the published student.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from machine import describe
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.model import Student, StudentConfig

HEIGHT, WIDTH = 60, 104
PIXEL_FRAMES_PER_CHUNK = 12


def random_student() -> Student:
    """A student of the published dimensions with small random weights in bf16."""
    with torch.device("meta"):
        student = Student(StudentConfig())
    student = student.to(torch.bfloat16).to_empty(device="cuda").eval().requires_grad_(False)
    generator = torch.Generator("cuda").manual_seed(0)
    for name, parameter in student.named_parameters():
        if "norm" in name and name.endswith("weight"):
            parameter.fill_(1.0)
        else:
            parameter.normal_(0.0, 0.02, generator=generator)
    return student


def milliseconds(work: Callable[[], Any]) -> float:
    """Device time of a piece of work."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    work()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    student = random_student()
    config = student.config
    session = EagerEngine(student).open_session(HEIGHT, WIDTH)
    caption = session.prepare_caption(torch.randn(config.text_len, config.text_dim))
    shape = (1, config.frames_per_chunk, config.in_dim, HEIGHT, WIDTH)
    noise = torch.randn(shape, device="cuda", dtype=torch.bfloat16)
    context = torch.randn(1, config.max_context_frames, *shape[2:], device="cuda", dtype=torch.bfloat16)

    def prefill() -> None:
        session.prefill(context, [0] * config.max_context_frames, [caption] * config.max_context_frames)

    def chunk(index: int) -> None:
        place = {"first_frame": index * config.frames_per_chunk, "shot_flag": 1, "caption": caption}
        session.refresh(session.denoise(noise, lambda _step: noise, **place), **place)

    chunks = config.local_window_frames // config.frames_per_chunk
    for warm_up in (prefill, lambda: chunk(0), lambda: chunk(chunks - 1)):
        warm_up()
    torch.cuda.synchronize()
    prefills = [milliseconds(prefill) for _ in range(5)]
    times = [[milliseconds(lambda index=index: chunk(index)) for _ in range(3)] for index in range(chunks)]
    per_chunk = [statistics.median(values) for values in times]
    result = {
        "machine": {**describe("torch"), "gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda},
        "engine": "eager",
        "precision": "bf16",
        "parameters": sum(parameter.numel() for parameter in student.parameters()),
        "context_prefill_ms": round(statistics.median(prefills), 1),
        "chunk_ms": [round(value, 1) for value in per_chunk],
        "frames_per_second_transformer_only": round(
            PIXEL_FRAMES_PER_CHUNK * 1000 / statistics.mean(per_chunk), 2
        ),
        "peak_memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
