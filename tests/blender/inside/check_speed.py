# SPDX-License-Identifier: Apache-2.0
"""The time that generating takes of Blender: how late a frame is shown, how long a call of the timer is."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
from blender_side import Hand, module


def test_the_live_picture_lags_by_no_more_than_a_frame(hand: Hand) -> None:
    live_picture, lags = module("live_picture"), []
    hand.write("Wide shot: the fox walks in the forest.", chunks=7)
    bpy.ops.shotstream.generate_all()
    came: list[int] = []
    studio = hand.studio
    show = studio._show
    studio._session._shown = lambda frame: (came.append(frame.received_ns), show(frame))
    while studio.busy:
        before = live_picture.waiting()
        time.sleep(hand.live.tick() or 0.0)
        if before and not live_picture.waiting():
            lags.append((time.monotonic_ns() - came[-1]) / 1e9)
    hand.until_done()
    assert len(lags) > 20
    # It is shown one call of the timer after it came, 0.01 s later; a slow machine gets another frame's time.
    assert np.median(lags) < 1 / 16


def test_a_call_of_the_timer_is_too_short_to_be_noticed(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=7)
    worst = []
    # The server and whatever else runs want the cores too: the extension itself is the best of three.
    while len(worst) < 3 and min(worst, default=np.inf) >= 5.0:
        received = hand.studio.frames_received
        bpy.ops.shotstream.generate_all()
        hand.until(lambda before=received: hand.studio.frames_received > before)
        hand.live.times.clear()
        first = hand.studio.frames_received
        hand.until_done()
        calls = np.array(hand.live.times) * 1000
        frames = hand.studio.frames_received - first
        worst.append(float(np.percentile(calls, 99)))
        print(
            f"{frames} frames, {len(calls)} calls, p50 {np.percentile(calls, 50):.2f} ms, "
            f"p99 {worst[-1]:.2f} ms, longest {calls.max():.1f} ms"
        )
        assert frames > 100
    assert min(worst) < 5.0


def test_a_frame_of_the_published_size_fits_into_the_budget(tmp_path: Path) -> None:
    picture, recorder, thumbnails = module("live_picture"), module("recorder"), module("thumbnails")
    frames = np.random.default_rng(0).integers(0, 255, (8, 480, 832, 3), dtype=np.uint8)
    (tmp_path / "spool").mkdir()
    take = module("take_files").Take(tmp_path, "0", None, "", 0, {}, 16.0)
    record = recorder.Recorder(take)
    spent: dict[str, list[float]] = {"prepare": [], "show": [], "record": []}
    for index in range(64):
        pixels = frames[index % 8]
        header = SimpleNamespace(shot=0, index=index, index_in_shot=index, width=832, height=480, beat_id="b")
        start = time.perf_counter()
        picture.prepare(pixels)
        thumbnails.show_live(pixels)
        prepared = time.perf_counter()
        assert picture.show()
        shown = time.perf_counter()
        record.add(header, pixels.reshape(-1))
        recorded = time.perf_counter()
        for name, seconds in zip(spent, (prepared - start, shown - prepared, recorded - shown), strict=True):
            spent[name].append(seconds * 1000)
    record.close()
    middle = {name: float(np.median(values)) for name, values in spent.items()}
    print(", ".join(f"{name} {value:.2f} ms" for name, value in middle.items()))
    # Recording shares its call with either of the others.
    assert max(middle["prepare"], middle["show"]) + middle["record"] < 5.0
