# SPDX-License-Identifier: Apache-2.0
"""Frames per second over loopback: the bridge against a bare pyzmq loop with the same payload.

The receiver is a process of its own and does the timing; the sender is this process. Rounds alternate
between the variants, so that a noisy machine is noisy for all of them, and the table shows medians. A client
of the bridge keeps freed memory with its process (`shotstream_bridge.heap`), which a bare loop as anybody
would write it does not; so the bare loop is measured with that setting as well.

    python benchmarks/transport.py [--frames 2000] [--rounds 5] [--size 832x480] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgpack
import numpy as np
import zmq
from machine import describe
from shotstream_bridge import Client, Frame, ReceivedFrame, ServerEndpoint
from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.heap import keep_freed_memory
from still_service import StillService

WINDOW = 16
"""Frames in flight: the client's credits, and the bare loop's high-water marks."""
WARM_UP = 60
BUFFERS = 24
"""Different pictures sent in turn, more than any cache holds."""
TARGET = 0.9


# --- senders: this process ------------------------------------------------------------------------------


def send_bridge(pictures: list[np.ndarray], frames: int, variant: str) -> float:
    """Publishes through a ServerEndpoint to one `every` watcher; returns the receiver's frames per second."""
    height, width, _ = pictures[0].shape
    service = StillService(width, height)
    with ServerEndpoint(service, "tcp://127.0.0.1:0") as endpoint:
        receiver = start_receiver(variant, endpoint.address, frames)
        assert service.started.wait(20), "the receiver did not start"
        for index in range(frames):
            assert endpoint.wait_wants_frames("bench", 20), "the receiver stalled"
            picture = pictures[index % len(pictures)]
            endpoint.publish_frame(Frame("bench", 0, index, index, index // 12, index / 16, "b", 1, picture))
        return finish_receiver(receiver)


def send_bare(pictures: list[np.ndarray], frames: int, variant: str) -> float:
    """Pushes header and payload through a PUSH socket without a copy; returns the receiver's figure."""
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.setsockopt(zmq.SNDHWM, WINDOW)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    header = msgpack.packb({"type": "frame", "story_id": "bench", "index": 0})
    receiver = start_receiver(variant, f"tcp://127.0.0.1:{port}", frames)
    for index in range(frames):
        socket.send(header, zmq.SNDMORE)
        socket.send(pictures[index % len(pictures)], copy=False)
    figure = finish_receiver(receiver)
    socket.close(0)
    context.term()
    return figure


def start_receiver(variant: str, address: str, frames: int) -> subprocess.Popen[str]:
    """Starts this file as the receiving process."""
    command = [sys.executable, __file__, "--receive", variant, "--address", address, "--frames", str(frames)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish_receiver(receiver: subprocess.Popen[str]) -> float:
    """Waits for the receiving process and reads its figure."""
    out, _ = receiver.communicate(timeout=120)
    assert receiver.returncode == 0, "the receiver failed"
    return float(out)


# --- receivers: the other process -----------------------------------------------------------------------


def receive_bridge(address: str, frames: int, *, checksum: bool) -> float:
    """Receives through a Client, with freed memory kept as `shotstream play` does."""
    assert keep_freed_memory(), "the C library does not take the setting"
    with Client.connect(address, 20) as client:
        story = client.open_story(global_caption="benchmark", story_id="bench")
        story.subscribe("every", credits=WINDOW, checksum=checksum)
        story.submit_beat("go")
        seen, started = 0, 0.0
        for event in client.events(20):
            if isinstance(event, ReceivedFrame):
                assert event.header.index == seen, "a frame is missing"
                seen += 1
                if seen == WARM_UP:
                    started = time.perf_counter()
                if seen == frames:
                    return (frames - WARM_UP) / (time.perf_counter() - started)
        raise AssertionError(f"only {seen} frames arrived")


def receive_bare(address: str, frames: int) -> float:
    """Receives from a PULL socket without a copy; like any application it has a picture until the next."""
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    socket.setsockopt(zmq.RCVHWM, WINDOW)
    socket.connect(address)
    started = 0.0
    for seen in range(1, frames + 1):
        _, payload = socket.recv_multipart(copy=False)
        picture = np.frombuffer(payload.buffer, np.uint8)
        assert picture.size, "an empty picture"
        if seen == WARM_UP:
            started = time.perf_counter()
    figure = (frames - WARM_UP) / (time.perf_counter() - started)
    socket.close(0)
    context.term()
    return figure


VARIANTS: dict[str, tuple[str, Callable[[list[np.ndarray], int, str], float]]] = {
    "bare": ("bare pyzmq PUSH/PULL, zero-copy", send_bare),
    "kept": ("the same, freed memory kept", send_bare),
    "bridge": ("bridge, `every`, without checksums", send_bridge),
    "checked": ("bridge, `every`, checksums made and checked", send_bridge),
}


def receive(variant: str, address: str, frames: int) -> float:
    """Runs the receiving side of a variant."""
    if variant == "kept":
        assert keep_freed_memory(), "the C library does not take the setting"
    if variant in ("bare", "kept"):
        return receive_bare(address, frames)
    return receive_bridge(address, frames, checksum=variant == "checked")


# --- report ---------------------------------------------------------------------------------------------


def checksum_ms(picture: np.ndarray) -> float:
    """Milliseconds for one checksum, the median of many."""
    payload = picture.reshape(-1)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        fold_crc32(payload)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def ratios_to(rounds: dict[str, list[float]], reference: str) -> dict[str, float]:
    """Ratios within a round, then the median: neighbours in time share the machine's mood."""
    return {
        variant: statistics.median(fps / base for fps, base in zip(figures, rounds[reference], strict=True))
        for variant, figures in rounds.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="832x480")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--receive", choices=list(VARIANTS), help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.receive:
        print(receive(args.receive, args.address, args.frames))
        return

    width, height = (int(side) for side in args.size.split("x"))
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 256, (height, width, 3), np.uint8) for _ in range(BUFFERS)]
    rounds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for number in range(args.rounds):
        for variant, (_, send) in VARIANTS.items():
            fps = send(pictures, args.frames, variant)
            rounds[variant].append(fps)
            print(f"round {number + 1}/{args.rounds} {variant:8} {fps:7.0f} frames/s", file=sys.stderr)

    of_bare, of_kept = ratios_to(rounds, "bare"), ratios_to(rounds, "kept")
    medians = {variant: statistics.median(figures) for variant, figures in rounds.items()}
    checksum = checksum_ms(pictures[0])
    megabytes = width * height * 3 / 1e6
    print(f"\nraw {width}x{height} RGB over loopback, {args.frames} frames, median of {args.rounds} rounds\n")
    print(f"| {'variant':46} | frames/s | MB/s | of bare | of bare, kept |")
    print(f"|{'-' * 48}|---------:|-----:|--------:|--------------:|")
    for variant, (label, _) in VARIANTS.items():
        fps = medians[variant]
        row = f"| {label:46} | {fps:8.0f} | {fps * megabytes:4.0f} |"
        print(f"{row} {of_bare[variant]:7.0%} | {of_kept[variant]:13.0%} |")
    print(f"\nchecksum of one frame: {checksum:.3f} ms; target {TARGET:.0%}: ", end="")
    print("met" if of_bare["bridge"] >= TARGET else "missed")
    if args.json:
        report = {
            "machine": describe("pyzmq", "numpy", "shotstream"),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "size": [width, height],
            "frames": args.frames,
            "rounds": rounds,
            "median_fps": medians,
            "of_bare": of_bare,
            "of_bare_with_freed_memory_kept": of_kept,
            "checksum_ms": checksum,
            "target": TARGET,
        }
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
