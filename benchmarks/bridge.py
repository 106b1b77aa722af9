# SPDX-License-Identifier: Apache-2.0
"""Frames a second, latency and processor time of the bridge, beside a bare pyzmq loop and websockets.

Frames of 832x480 over loopback to 1, 4 and 16 watchers, each a process of its own that takes every frame. In
every case frames go as fast as they are taken first, then 24 a second: of these latency (from publishing to
pixels in hand; decoding included, on the one monotonic clock of the host) and processor time are taken.

    python benchmarks/bridge.py                       # all of it, about five minutes
    python benchmarks/bridge.py --watchers 1 4        # a part; the others stay in the results
    python benchmarks/bridge.py --watchers            # only the table and the picture of the results
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bridge_picture import draw
from bridge_plan import FAST_DONE, PACE_FPS, READY, WINDOW, Plan
from bridge_senders import send_bare, send_bridge, send_websockets
from machine import RESULTS, describe
from PIL import Image
from shotstream_bridge.heap import keep_freed_memory

WIDTH, HEIGHT = 832, 480
BUFFERS = 24
"""Different pictures sent in turn, more than any cache holds."""
ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "bridge.png"
VARIANTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "bare": ("bare pyzmq, raw", send_bare),
    "websockets": ("websockets, raw", send_websockets),
    "raw": ("bridge, raw", send_bridge),
    "checked": ("bridge, raw, checksums (default)", send_bridge),
    "memory": ("bridge, shared memory", send_bridge),
    "jpeg": ("bridge, JPEG 90", send_bridge),
}


def product_pictures() -> list[np.ndarray]:
    """Parts of the demo's pictures at twice their size, with a little grain, as video has it."""
    chance = np.random.default_rng(0)
    with Image.open(ROOT / "docs" / "images" / "demo.png") as sheet:
        rgb = sheet.convert("RGB")
    pictures = []
    for _ in range(BUFFERS):
        left = int(chance.integers(0, rgb.width - WIDTH // 2))
        top = int(chance.integers(0, rgb.height - HEIGHT // 2))
        part = rgb.crop((left, top, left + WIDTH // 2, top + HEIGHT // 2)).resize((WIDTH, HEIGHT))
        grain = chance.normal(0, 2, (HEIGHT, WIDTH, 3))
        pictures.append(np.clip(np.asarray(part) + grain, 0, 255).astype(np.uint8))
    return pictures


class Watchers:
    """The watching processes of one case.

    Attributes:
        figures: What each of them measured, once they have been waited for.
    """

    def __init__(self, variant: str, plan: Plan) -> None:
        self._command = [sys.executable, str(Path(__file__).parent / "bridge_watcher.py"), variant]
        self._counts = [str(plan.fast), str(plan.paced)]
        self._processes: list[subprocess.Popen[str]] = []
        self.figures: list[dict[str, Any]] = []

    def gather(self, addresses: Sequence[str]) -> None:
        """Starts them all, and waits until they are ready."""
        self._processes = [
            subprocess.Popen([*self._command, address, *self._counts], stdout=subprocess.PIPE, text=True)
            for address in addresses
        ]
        self._hear(READY)

    def drain(self) -> None:
        """Waits until all have the fast frames."""
        self._hear(FAST_DONE)

    def _hear(self, word: str) -> None:
        for process in self._processes:
            assert process.stdout is not None
            heard = process.stdout.readline().rstrip()
            assert heard == word, f"a watcher said {heard!r} instead of {word!r}"

    def wait(self) -> None:
        """Waits until each of them has told what it measured."""
        told = [process.communicate(timeout=120)[0] for process in self._processes]
        assert all(process.returncode == 0 for process in self._processes), "a watcher failed"
        self.figures = [json.loads(text) for text in told]

    def end(self) -> None:
        """Ends those that are left."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def measure(variant: str, pictures: Sequence[np.ndarray], count: int, paced: int) -> dict[str, float]:
    """One case.

    Returns:
        ``fps``: frames a second of a watcher. ``p50_ms``, ``p99_ms``: latency over the frames of all of them.
        ``server_cpu``, ``watcher_cpu``: seconds of processor time a second for each watcher.
    """
    fast = 300 if variant == "jpeg" else 1_200
    plan = Plan(max(120, fast // count), paced)
    watchers = Watchers(variant, plan)
    try:
        effort = VARIANTS[variant][1](pictures, plan, count, watchers)
    finally:
        watchers.end()
    latencies = np.concatenate([figure["latencies_ms"] for figure in watchers.figures])
    p50, p99 = np.percentile(latencies, [50, 99])
    case = {
        "fps": float(np.median([figure["fps"] for figure in watchers.figures])),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "server_cpu": effort.share / count,
        "watcher_cpu": float(np.mean([figure["cpu_share"] for figure in watchers.figures])),
    }
    return {name: round(value, 4) for name, value in case.items()}


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "| watchers | | frames/s each | all together | p50 ms | p99 ms | CPU server | CPU watcher |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for count, part in results["parts"].items():
        for variant, case in part["cases"].items():
            lines.append(
                f"| {count} | {VARIANTS[variant][0]} | {case['fps']:.0f} | {case['fps'] * int(count):.0f} "
                f"| {case['p50_ms']:.2f} | {case['p99_ms']:.2f} "
                f"| {100 * case['server_cpu']:.1f} % | {100 * case['watcher_cpu']:.1f} % |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--watchers", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--paced", type=int, default=240, help="frames of the paced part of each case")
    parser.add_argument("--json", type=Path, default=RESULTS / "bridge.json")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    args = parser.parse_args()

    results: dict[str, Any] = {"parts": {}}
    if args.json.exists():
        results = json.loads(args.json.read_text(encoding="utf-8"))
    results |= {"size": [WIDTH, HEIGHT], "window": WINDOW, "pace_fps": PACE_FPS}
    assert keep_freed_memory(), "the C library does not take the setting"
    pictures = product_pictures()
    for count in args.watchers:
        cases = {}
        for variant in args.variants:
            cases[variant] = measure(variant, pictures, count, args.paced)
            print(f"{count:3} watchers, {VARIANTS[variant][0]:34} {cases[variant]}", file=sys.stderr)
        results["parts"][str(count)] = {
            "machine": describe("pyzmq", "websockets", "pillow", "numpy", "shotstream"),
            "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            "paced_frames": args.paced,
            "cases": cases,
        }
        results["parts"] = dict(sorted(results["parts"].items(), key=lambda part: int(part[0])))
        args.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(results))
    draw(args.picture, results, {variant: label for variant, (label, _) in VARIANTS.items()})


if __name__ == "__main__":
    main()
