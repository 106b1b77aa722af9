# SPDX-License-Identifier: Apache-2.0
"""Who is let in: memory and queue are looked at before a story or a beat is accepted."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from listener import CAPTION, beat, open_watched
from shotstream_bridge.errors import RequestFailedError
from shotstream_bridge.messages import EndpointLimits
from shotstream_bridge.story import BeatScript
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.engines.cuda_graph.static_engine import StaticEngine
from shotstream_runtime.host import admission as admission_module
from shotstream_runtime.host.admission_limits import AdmissionLimits
from shotstream_runtime.host.free_memory import cgroup_room, free_host_bytes
from shotstream_runtime.streaming.footprint import Footprint, StoryDimensions
from shotstream_runtime.streaming.shot_context import latent_size

RESERVE = 1_000_000


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets how much memory the system says is free."""

    def say(count: int) -> None:
        monkeypatch.setattr(admission_module, "free_memory", lambda device: Footprint(host=count))

    return say


def test_of_many_that_come_at_once_as_many_get_in_as_there_is_room_for(
    serve: Any, connect: Any, tiny_loaded: Any, room: Any
) -> None:
    cost = StoryDimensions.of(tiny_loaded, EagerEngine(tiny_loaded.student)).total
    one_story = cost.device + cost.host
    room(RESERVE + 2 * one_story + one_story // 2)
    server = serve(admission=AdmissionLimits(reserve_bytes=RESERVE))
    listeners = [connect(server) for _ in range(6)]
    refusals: list[RequestFailedError] = []
    at_once = threading.Barrier(len(listeners))

    def open_one(number: int) -> None:
        at_once.wait()
        try:
            listeners[number].client.open_story(global_caption=CAPTION, story_id=f"s{number}")
        except RequestFailedError as error:
            refusals.append(error)

    threads = [threading.Thread(target=open_one, args=(number,)) for number in range(len(listeners))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refusals) == 4
    for refusal in refusals:
        assert (refusal.code, refusal.retryable) == ("busy", True)
        assert f"one more story takes {one_story / 1e6:.0f} MB of main memory" in refusal.reason
        assert "promised to the 2 open stories" in refusal.reason
        assert "1 MB stay in reserve (--reserve-gb)" in refusal.reason


def test_what_a_story_holds_is_charged_once_and_its_end_makes_room(
    serve: Any, connect: Any, tiny_loaded: Any, room: Any
) -> None:
    cost = StoryDimensions.of(tiny_loaded, EagerEngine(tiny_loaded.student)).total
    one_story = cost.device + cost.host
    room(RESERVE + one_story)
    one = connect(serve(admission=AdmissionLimits(reserve_bytes=RESERVE)))
    story = open_watched(one, "first")
    with pytest.raises(RequestFailedError, match="promised to the 1 open stories"):
        one.client.open_story(global_caption=CAPTION, story_id="second")
    for number in range(8):
        story.submit_beat(beat(f"b{number}", chunks=1))
    one.until(lambda: one.done("b7"))
    # The system says that as much is free as before although the first story has taken its part: of what
    # is promised that is left out, so that it is not charged twice.
    with pytest.raises(RequestFailedError) as refused:
        one.client.open_story(global_caption=CAPTION, story_id="second")
    promised = float(refused.value.reason.split(" are promised")[0].rsplit(" ", 2)[1])
    assert promised <= 0.6 * one_story / 1e6
    story.close()
    one.until(lambda: one.closed("first"))
    one.client.open_story(global_caption=CAPTION, story_id="second")


def test_a_story_is_opened_again_where_there_is_no_room_for_another(
    serve: Any, connect: Any, room: Any
) -> None:
    """A client that repeats itself after a lost answer must not be refused for its own story."""
    room(10**12)
    one = connect(serve())
    one.client.open_story(global_caption=CAPTION, seed=1, story_id="mine")
    room(0)
    one.client.open_story(global_caption=CAPTION, seed=1, story_id="mine")
    with pytest.raises(RequestFailedError, match="0 MB are free"):
        one.client.open_story(global_caption=CAPTION, seed=1, story_id="another")


def test_buffers_that_wait_for_the_next_story_count_as_room(
    serve: Any, connect: Any, tiny_loaded: Any, room: Any
) -> None:
    engine = StaticEngine(tiny_loaded.student, name="static", compiled=False, capture=False)
    cost = StoryDimensions.of(tiny_loaded, engine).total
    taken = engine.session_bytes(*latent_size(tiny_loaded)[1:])
    # All the room there is but for one story's buffers, which the engine has after the warm-up.
    room(RESERVE + cost.device + cost.host - taken)
    one = connect(serve(engine=engine, admission=AdmissionLimits(reserve_bytes=RESERVE)))
    assert engine.idle_bytes == taken
    story = open_watched(one, "first")
    story.submit_beat(beat("a", chunks=1))
    one.until(lambda: one.done("a"))
    with pytest.raises(RequestFailedError, match="busy"):
        one.client.open_story(global_caption=CAPTION, story_id="second")
    story.close()
    one.until(lambda: one.closed("first"))
    one.client.open_story(global_caption=CAPTION, story_id="second")


def fill(story: Any) -> None:
    """Sends beats until no more are taken."""
    refusals: list[RequestFailedError] = []
    for _ in range(200):
        try:
            story.submit_beat(BeatScript(text="the fox waits", chunks=1), wait=20)
        except RequestFailedError as refused:
            refusals.append(refused)
            break
    assert [(refused.code, refused.retryable) for refused in refusals] == [("queue_full", True)]
    assert "wait for beats to be done" in refusals[0].reason


def test_too_much_that_waits_is_refused_until_some_is_done(serve: Any, connect: Any) -> None:
    server = serve(
        admission=AdmissionLimits(queued_chunks=8), connection_limits=EndpointLimits(backlog_frames=12)
    )
    one, two = connect(server), connect(server)
    held = open_watched(one, "held", auto_grant=False, credits=1)
    other = two.client.open_story(global_caption=CAPTION, story_id="other")
    held.submit_beat(beat("a", chunks=5))
    other.submit_beat(beat("fits", chunks=1))
    two.until(lambda: two.done("fits"))
    with pytest.raises(RequestFailedError, match=r"--max-queued-chunks") as refused:
        other.submit_beat(beat("large", chunks=9), wait=20)
    assert (refused.value.code, refused.value.retryable) == ("queue_full", True)
    fill(held)
    # What drops as much as it asks for makes the queue no longer.
    held.submit_beat(beat("now", policy="replace", chunks=1), wait=20)
    fill(held)
    # What was refused may come again, unchanged, once there is room.
    held.close(drain=False)
    one.until(lambda: one.done("a"))
    for number in range(4):
        other.submit_beat(beat(f"later{number}", chunks=2))
        two.until(lambda number=number: two.done(f"later{number}"))


def test_a_full_queue_takes_no_story(serve: Any, connect: Any) -> None:
    server = serve(
        admission=AdmissionLimits(queued_chunks=100), connection_limits=EndpointLimits(backlog_frames=12)
    )
    one = connect(server)
    held = open_watched(one, "held", auto_grant=False, credits=1)
    held.submit_beat(beat("a", chunks=100))
    # Only a few chunks are made for a watcher that grants no credits: the rest waits.
    with pytest.raises(RequestFailedError, match="chunks"):
        held.submit_beat(beat("b", chunks=100), wait=20)
    fill(held)
    with pytest.raises(RequestFailedError) as refused:
        one.client.open_story(global_caption=CAPTION, story_id="another")
    assert (refused.value.code, refused.value.retryable) == ("busy", True)
    assert "chunks wait to be generated" in refused.value.reason


# --- what is free ---------------------------------------------------------------------------------------


def group(folder: Path, limit: str, current: int, inactive: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n", encoding="ascii")
    (folder / "memory.current").write_text(f"{current}\n", encoding="ascii")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\n", encoding="ascii")


def test_the_tightest_control_group_counts(tmp_path: Path) -> None:
    own, root = tmp_path / "cgroup", tmp_path / "sys"
    own.write_text("0::/user/job\n", encoding="ascii")
    group(root / "user" / "job", "max", 100, 0)
    group(root / "user", "1000", 700, 50)
    assert cgroup_room(own, root) == 350
    group(root / "user" / "job", "500", 400, 10)
    assert cgroup_room(own, root) == 110
    group(root / "user", "1000", 2000, 50)
    assert cgroup_room(own, root) == 0


def test_in_a_container_the_limit_is_at_the_root(tmp_path: Path) -> None:
    own, root = tmp_path / "cgroup", tmp_path / "sys"
    own.write_text("0::/docker/4711\n", encoding="ascii")
    group(root, "1000", 400, 100)
    assert cgroup_room(own, root) == 700


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    own, root = tmp_path / "cgroup", tmp_path / "sys"
    own.write_text("5:cpu,cpuacct:/job\n4:memory:/job\n", encoding="ascii")
    folder = root / "memory" / "job"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("1000\n", encoding="ascii")
    (folder / "memory.usage_in_bytes").write_text("600\n", encoding="ascii")
    (folder / "memory.stat").write_text("total_inactive_file 100\n", encoding="ascii")
    assert cgroup_room(own, root) == 500


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert cgroup_room(tmp_path / "missing", tmp_path) == math.inf
    (tmp_path / "cgroup").write_text("0::/job\n", encoding="ascii")
    assert cgroup_room(tmp_path / "cgroup", tmp_path) == math.inf


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_the_limit_on_the_address_space_counts() -> None:
    script = """
import resource, psutil
used = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000, resource.RLIM_INFINITY))
from shotstream_runtime.host.free_memory import address_room, free_host_bytes
assert free_host_bytes() <= 300_000_000
assert 100_000_000 < address_room() <= 300_000_000
"""
    # Torch is loaded before the limit is set, as its libraries alone take gigabytes of addresses.
    subprocess.run(
        [sys.executable, "-c", "import torch, shotstream_runtime.host.free_memory" + script],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert free_host_bytes() > 0
