# SPDX-License-Identifier: Apache-2.0
"""The Unreal plugin's C++ client against the same client on libzmq's C API, in turns in one run.

A ServerEndpoint in this process publishes 832x480 frames to one `every` watcher with checksums, once as
fast as it can and once at 60 a second; the receivers are processes of their own, which measure themselves.
Needs cmake, a compiler and libzmq (Debian: libzmq3-dev).

    python benchmarks/unreal_core.py [--rounds 3] [--frames 1200]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
from machine import describe, report
from shotstream_bridge import Frame, ServerEndpoint
from transport import BUFFERS, StillService

CORE = Path(__file__).parents[1] / "plugins" / "unreal" / "core"
WIDTH, HEIGHT = 832, 480
WARM_UP = 60
STEADY_FPS = 60
RECEIVERS = ("receive_core", "receive_libzmq")
Figures = dict[str, float]


def build(folder: Path) -> None:
    """Builds both receivers, optimised."""
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DSHOTSTREAM_BENCH=ON", "-DSHOTSTREAM_TESTS=OFF"]
    for command in (
        ["cmake", "-S", CORE, "-B", folder, *options],
        ["cmake", "--build", folder, "--target", *RECEIVERS],
    ):
        subprocess.run(command, check=True, capture_output=True)


def measure(
    receiver: Path, pictures: list[np.ndarray], pixel_format: str, frames: int, fps: float
) -> Figures:
    """Publishes to one receiver; returns what it measured. ``fps`` 0: as fast as it can."""
    service = StillService(WIDTH, HEIGHT)
    with ServerEndpoint(service, "tcp://127.0.0.1:0") as endpoint:
        address = endpoint.address.removeprefix("tcp://")
        command = [str(receiver), address, pixel_format, str(frames), str(WARM_UP)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert service.started.wait(20), "the receiver did not start"
        began = time.monotonic()
        for index in range(frames):
            if fps:
                time.sleep(max(0.0, began + index / fps - time.monotonic()))
            assert endpoint.wait_wants_frames("bench", 20), "the receiver stalled"
            picture = pictures[index % len(pictures)]
            endpoint.publish_frame(Frame("bench", 0, index, index, index // 12, index / 60, "b", 1, picture))
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, f"{receiver.name} ended with {process.returncode}"
    figures: Figures = json.loads(out)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=Path, default=Path("build/unreal_core"), help="where to build")
    parser.add_argument("--frames", type=int, default=1200)
    args = parser.parse_args()
    generator = np.random.default_rng(0)
    raw = [generator.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(BUFFERS)]
    # Noise is no picture to a JPEG encoder: soft gradients are closer to one.
    ramp = np.linspace(0, 200, WIDTH, dtype=np.float32)[None, :, None]
    soft = [
        np.ascontiguousarray(np.broadcast_to(ramp + i, (HEIGHT, WIDTH, 3)).astype(np.uint8))
        for i in range(BUFFERS)
    ]
    runs = {
        "raw, as fast as it can": (raw, "rgb8", args.frames, 0.0),
        "raw, 60 a second": (raw, "rgb8", args.frames // 2, STEADY_FPS),
        "jpeg, 60 a second": (soft, "jpeg", args.frames // 2, STEADY_FPS),
    }
    found: dict[str, dict[str, list[Figures]]] = {name: {r: [] for r in RECEIVERS} for name in runs}
    build(args.build)
    for _ in range(args.rounds):
        for name, (pictures, pixel_format, frames, fps) in runs.items():
            for receiver in RECEIVERS:
                found[name][receiver].append(
                    measure(args.build / receiver, pictures, pixel_format, frames, fps)
                )
    medians = {
        name: {
            receiver: {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
            for receiver, rounds in by_receiver.items()
        }
        for name, by_receiver in found.items()
    }
    report(
        "unreal_core",
        {
            "machine": describe("pyzmq", "numpy", "shotstream"),
            "size": [WIDTH, HEIGHT],
            "frames": args.frames,
            "rounds": args.rounds,
            "medians": medians,
        },
    )


if __name__ == "__main__":
    main()
