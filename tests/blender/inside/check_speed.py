# SPDX-License-Identifier: Apache-2.0
"""The time that generating takes of Blender: how late a frame is shown, how long a call of the timer is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from blender_side import Hand, module
from sequencer_side import numbered, numbered_take, set_up_scene, settle, strips


def note_calls(
    monkeypatch: pytest.MonkeyPatch,
    *functions: tuple[str, str],
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Notes how long calls of functions of the extension take, in milliseconds of a clock."""
    noted: list[float] = []

    def timed(function):
        def call(*arguments, **named):
            start = clock()
            try:
                return function(*arguments, **named)
            finally:
                noted.append((clock() - start) * 1000)

        return call

    for name, function in functions:
        monkeypatch.setattr(module(name), function, timed(getattr(module(name), function)))
    return noted


def arrive_at(hand: Hand, monkeypatch: pytest.MonkeyPatch, fps: float) -> None:
    """Has frames arrive as from a model that makes just so many a second: mini is faster."""
    # None is on its way that was not asked for.
    monkeypatch.setattr(module("run"), "CREDITS", 1)
    link, studio = hand.studio.connection, hand.studio
    pump, due = link.pump, [0.0]

    def paced():
        from shotstream_bridge import ReceivedFrame

        now = time.monotonic()
        if studio.streaming and now < due[0]:
            return []
        events = pump()
        if any(isinstance(event, ReceivedFrame) for event in events):
            due[0] = max(due[0] + 1 / fps, now)
        return events

    monkeypatch.setattr(link, "pump", paced)


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


@pytest.mark.parametrize("files", ["pictures", "movie"])
def test_a_call_of_the_timer_is_too_short_to_be_noticed(hand: Hand, monkeypatch, files: str) -> None:
    scene = set_up_scene(24.0)
    scene.shotstream_strips.texts = True
    module("preferences").get().shot_files = files
    sync, worst, least = module("strip_sync"), [], []
    worked = note_calls(monkeypatch, ("live", "_tick"), clock=time.thread_time)
    blenders = note_calls(monkeypatch, ("strip_content", "new_strip"), ("strip_content", "replace"))
    undo = note_calls(monkeypatch, ("strip_sync", "_remember"))
    arrive_at(hand, monkeypatch, 16.0)
    # The server and whatever else runs want the cores too: the extension itself is the best of three.
    while len(worst) < 3 and min(worst, default=np.inf) >= 5.0:
        hand.story.beats.clear()
        hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=5)
        received = hand.studio.frames_received
        bpy.ops.shotstream.generate_all()
        hand.until(lambda before=received: hand.studio.frames_received > before)
        hand.live.times.clear()
        for noted in (worked, blenders, undo):
            noted.clear()
        first, begun = hand.studio.frames_received, time.monotonic()
        hand.until(lambda: not hand.studio.run.running)
        seconds, frames = time.monotonic() - begun, hand.studio.frames_received - first
        # The last shot is saved, and its strip made, when the story is over.
        hand.until(lambda: not hand.studio.busy and not sync.is_busy())
        calls = np.array(hand.live.times) * 1000
        worst.append(float(np.percentile(calls, 99)))
        least.append(float(np.percentile(worked, 99)))
        print(
            f"{files}: {frames} frames, {frames / seconds:.0f} a second, {len(calls)} calls, "
            f"p50 {np.percentile(calls, 50):.2f} ms, p99 {worst[-1]:.2f} ms, longest {calls.max():.1f} ms; "
            f"of a processor p99 {least[-1]:.2f} ms; "
            f"Blender makes {len(blenders)} strips in {', '.join(f'{call:.1f}' for call in blenders)} ms, "
            f"{len(undo)} undo steps in {', '.join(f'{call:.1f}' for call in undo)} ms"
        )
        assert frames > 100
        assert len(blenders) == len(undo) == 2
    # Something else may take the core in the middle of a call: on a busy machine the call's own work counts.
    assert min(worst) < 5.0 or (min(least) < 5.0 and min(worst) < 15.0)


def test_no_call_of_the_timer_makes_more_than_one_strip(hand: Hand, tmp_path: Path, monkeypatch) -> None:
    scene, sync = set_up_scene(24.0), module("strip_sync")
    module("preferences").get().shot_files = "movie"
    scene.shotstream_strips.texts = True
    take = numbered_take(tmp_path / "numbers", *[[(f"The fox walks {n}.", 9)] for n in range(6)])
    assert bpy.ops.shotstream.take_import(filepath=str(take)) == {"FINISHED"}
    settle(hand)
    assert len(strips(hand)) == 6
    scene.render.fps = 30
    assert bpy.ops.shotstream.strips_lay_out() == {"FINISHED"}
    steps = note_calls(
        monkeypatch,
        ("children", "start"),
        ("strip_content", "replace"),
        ("strip_sync", "_remember"),
        ("strips", "lay_out"),
    )
    counts, frames = [], deque(numbered(n) for n in range(200))
    while sync.is_busy():
        before = len(steps)
        hand.live.tick()
        counts.append(len(steps) - before)
        if frames and not module("live_picture").waiting():
            # Frames that come meanwhile hold nothing up.
            module("live_picture").prepare(frames.popleft())
        time.sleep(0.002)
    # One child, six strips, the order and an undo step after each.
    assert (max(counts), sum(counts)) == (1, 1 + 6 + 6 + 2)
    assert not sync.trouble()


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
