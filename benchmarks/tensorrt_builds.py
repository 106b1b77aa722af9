# SPDX-License-Identifier: Apache-2.0
"""Building TensorRT for RTX engines on this processor: seconds, memory, size, and the kernels they have.

Needs no GPU and no weights: numbers are random, dimensions are the published ones. Each build runs in
a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import torch
from machine import describe, report
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges, range_names
from shotstream_runtime.engines.tensorrt.build import BuildOptions, build_plan
from shotstream_runtime.engines.tensorrt.build_log import BuildLog
from shotstream_runtime.engines.tensorrt.definition import define_decoder, define_student
from shotstream_runtime.engines.tensorrt.estimate import estimate_build
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.student_tensors import Pass, StudentTensors
from shotstream_runtime.model import StudentConfig
from shotstream_runtime.weights.layouts import blank_student

BUILDS = ("student-bf16", "student-fp8", "student-nvfp4", "decoder-first", "decoder-later")
HEIGHT, WIDTH = 60, 104
NARROW = {"FP8", "FP4E2M1"}


def build_student(precision: Precision) -> dict[str, Any]:
    """All 30 layers of the published dimensions, the whole window, 832x480."""
    config, log = StudentConfig(), BuildLog()
    trt = Product.TENSORRT_RTX.load()
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.empty(weight.shape, dtype=torch.bfloat16).normal_(std=0.02, generator=generator)
        for name, weight in blank_student(config).state_dict().items()
    }
    largest = dict.fromkeys(range_names(config), 4.0)
    ranges = ActivationRanges(weights_hash="0" * 64, stories=("none",), passes=1, largest=largest)
    tensors = StudentTensors(config, HEIGHT, WIDTH, precision)
    targets = Product.TENSORRT_RTX.targets_for(precision)
    started = time.monotonic()
    definition = define_student(trt, log.logger(trt), tensors, weights, ranges)
    plan = build_plan(definition, tensors.profiles(), BuildOptions(targets), log)
    passes = {
        kind.name.lower(): {
            "kernels": len(kernels := log.kernels(int(kind))),
            "flash_attention": sum(kernel.flash_attention for kernel in kernels),
            "matrix_products": sum(kernel.matrix_product for kernel in kernels),
            "in_few_bits": sum(
                kernel.matrix_product and NARROW & {read.dtype for read in kernel.reads} != set()
                for kernel in kernels
            ),
        }
        for kind in Pass
    }
    estimate = estimate_build(tensors, len(targets))
    return {
        "targets": targets,
        "seconds": round(time.monotonic() - started, 1),
        "plan_bytes": plan.nbytes,
        "buffer_bytes": tensors.buffer_bytes,
        "scratch_bytes": log.scratch_bytes(),
        "passes": passes,
        "estimated": {"seconds": round(estimate.seconds, 1), "disk_bytes": estimate.disk_bytes,
                      "memory_bytes": estimate.memory_bytes},
    }  # fmt: skip


def build_decoder(first: bool) -> dict[str, Any]:
    """A step of the published autoencoder's decoder at 832x480."""
    log = BuildLog()
    trt = Product.TENSORRT_RTX.load()
    torch.manual_seed(0)
    codec = VideoCodec.from_config(VideoCodecConfig()).to("cpu", torch.bfloat16)
    targets = Product.TENSORRT_RTX.targets_for(Precision.BF16)
    started = time.monotonic()
    definition, tensors = define_decoder(
        trt, log.logger(trt), codec, HEIGHT, WIDTH, torch.bfloat16, first=first
    )
    plan = build_plan(definition, [], BuildOptions(targets), log)
    return {
        "targets": targets,
        "seconds": round(time.monotonic() - started, 1),
        "plan_bytes": plan.nbytes,
        "states": len(tensors.states),
        "state_bytes": tensors.state_numbers * 2,
        "scratch_bytes": log.scratch_bytes(),
        "kernels": dict(Counter(kernel.kind for kernel in log.kernels())),
    }


def build(name: str) -> dict[str, Any]:
    """One of the builds, with the peak of this process's memory."""
    what, _, which = name.partition("-")
    result = build_student(Precision(which)) if what == "student" else build_decoder(which == "first")
    return result | {"peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=BUILDS, help="one build in this process; printed, not kept")
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(build(arguments.only)))
        return
    version = Product.TENSORRT_RTX.load().__version__
    results: dict[str, Any] = {"machine": describe(), "tensorrt_rtx": version}
    for name in BUILDS:
        done = subprocess.run(
            [sys.executable, __file__, "--only", name], check=True, capture_output=True, text=True
        )
        results[name] = json.loads(done.stdout.splitlines()[-1])
    report("tensorrt_builds", results)


if __name__ == "__main__":
    main()
