# SPDX-License-Identifier: Apache-2.0
"""The whole way of a beat: client, socket, host, model, frames. Everything here is the real part."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from listener import Listener
from shotstream_bridge.errors import AddressError, RequestFailedError
from shotstream_bridge.messages import EndpointLimits, StoryEnd, StoryLimits
from shotstream_bridge.story import BeatPolicy, BeatScript, StoryScript
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.host.rendering import render_story
from tiny_model_folder import CHUNK, CHUNKS_PER_SHOT, FIRST_CHUNK, HEIGHT, WIDTH

SHOT = FIRST_CHUNK + (CHUNKS_PER_SHOT - 1) * CHUNK
CAPTION = "A fox in a red coat in the forest."


@pytest.fixture
def connect(serve: Callable[..., Any]) -> Iterator[Callable[..., Listener]]:
    """Connects clients and closes them before the server stops."""
    listeners: list[Listener] = []

    def start(server: Any, client_id: str | None = None) -> Listener:
        listener = Listener(server.address, client_id)
        listeners.append(listener)
        return listener

    yield start
    for listener in listeners:
        listener.client.close()


def beat(name: str, text: str = "the fox walks", **values: Any) -> BeatScript:
    return BeatScript(id=name, text=text, **values)


def open_watched(listener: Listener, name: str = "story", seed: int = 7, **watch: Any) -> Any:
    story = listener.client.open_story(global_caption=CAPTION, seed=seed, story_id=name)
    story.subscribe(**watch)
    return story


def test_a_story_of_three_shots_beat_by_beat(serve: Any, connect: Any) -> None:
    server = serve()
    one = connect(server)
    info = one.client.server
    assert (info.model, info.width, info.height, info.fps) == ("tiny", WIDTH, HEIGHT, 16)
    assert (info.frames_per_chunk, info.frames_in_first_chunk, info.chunks_per_shot) == (12, 9, 3)
    assert info.state.value == "ready"
    story = open_watched(one)
    for number in range(3):
        story.submit_beat(beat(f"b{number}"))
        one.until(lambda number=number: one.done(f"b{number}"))
    story.close()
    one.until(one.closed)

    frames = [frame.header for frame in one.frames()]
    assert [frame.index for frame in frames] == list(range(3 * SHOT))
    assert [frame.index_in_shot for frame in frames] == list(range(SHOT)) * 3
    assert [frame.shot for frame in frames] == [shot for shot in range(3) for _ in range(SHOT)]
    assert [frame.chunk for frame in frames[:SHOT]] == [0] * FIRST_CHUNK + [1] * CHUNK + [2] * CHUNK
    assert [frame.beat_id for frame in frames[::SHOT]] == ["b0", "b1", "b2"]
    assert [frame.pts_s for frame in frames] == pytest.approx([index / 16 for index in range(3 * SHOT)])
    assert {(frame.width, frame.height, frame.seed) for frame in frames} == {(WIDTH, HEIGHT, 7)}
    for number in range(3):
        assert one.stages(f"b{number}") == ["accepted", "scheduled", "first_frame", "done"]
        _, scheduled, first, done = one.statuses(f"b{number}")
        for status in (scheduled, first, done):
            assert (status.shot, status.first_frame) == (number, number * SHOT)
        assert (done.outcome, done.frames) == ("completed", SHOT)
    end = one.closed()
    assert (end.end, end.shots, end.frames) == (StoryEnd.DRAINED, 3, 3 * SHOT)
    assert one.heard[-1] is end


class Collector:
    """Keeps the frames of a story that runs without sockets."""

    def __init__(self) -> None:
        self.pixels: list[np.ndarray] = []

    def add_frame(self, pixels: np.ndarray, **place: Any) -> None:
        self.pixels.append(pixels)

    def beat_submitted(self, *args: Any) -> None:
        pass

    beat_scheduled = beat_done = notice = beat_submitted


def test_frames_through_the_socket_are_those_of_a_render(serve: Any, connect: Any, tiny_loaded: Any) -> None:
    script = StoryScript(
        global_caption=CAPTION,
        seed=7,
        beats=(
            beat("a", chunks=2),
            beat("b", "now the fox jumps", mode="continue", chunks=1),
            beat("c", "close-up of the fox", chunks=1),
        ),
    )
    rendered = Collector()
    render_story(tiny_loaded, EagerEngine(tiny_loaded.student), script, 7, rendered)
    one = connect(serve())
    story = open_watched(one)
    for script_beat in script.beats:
        # Queued, as a file's beats are: a `continue` would otherwise take over at once.
        story.submit_beat(script_beat.model_copy(update={"policy": BeatPolicy.QUEUE}))
    story.close()
    one.until(one.closed)
    assert np.array_equal(one.pixels(), np.stack(rendered.pixels))


def test_continue_redirects_the_running_shot_without_a_gap(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    one.until(one.frames)
    story.submit_beat(beat("b", "the fox jumps", mode="continue", chunks=2))
    one.until(lambda: one.done("b"))
    story.close()
    one.until(one.closed)
    first, second = one.done("a"), one.done("b")
    assert (first.outcome, second.outcome) == ("interrupted", "completed")
    assert (first.shot, second.shot) == (0, 0)
    assert (first.frames - FIRST_CHUNK) % CHUNK == 0
    assert first.frames < FIRST_CHUNK + 29 * CHUNK
    assert second.frames == 2 * CHUNK
    assert second.first_frame == first.frames
    headers = [frame.header for frame in one.frames()]
    assert [header.index_in_shot for header in headers] == list(range(first.frames + second.frames))
    assert [header.beat_id for header in headers] == ["a"] * first.frames + ["b"] * second.frames


def test_interrupt_cuts_at_the_next_chunk_and_drops_what_waits(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("waits"))
    one.until(one.frames)
    story.submit_beat(beat("b", "the fox sleeps", policy="interrupt", chunks=1))
    one.until(lambda: one.done("b"))
    assert (one.done("waits").outcome, one.done("waits").frames) == ("superseded", 0)
    assert one.stages("waits") == ["accepted", "done"]
    first = one.done("a")
    assert first.outcome == "interrupted"
    assert (first.frames - FIRST_CHUNK) % CHUNK == 0
    assert (one.done("b").shot, one.done("b").first_frame) == (1, first.frames)


def test_replace_lets_the_running_beat_finish(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=4))
    story.submit_beat(beat("waits"))
    one.until(one.frames)
    story.submit_beat(beat("b", policy="replace", chunks=1))
    one.until(lambda: one.done("b"))
    assert (one.done("a").outcome, one.done("a").frames) == ("completed", FIRST_CHUNK + 3 * CHUNK)
    assert one.done("waits").outcome == "superseded"
    assert one.done("b").first_frame == FIRST_CHUNK + 3 * CHUNK


def test_a_waiting_and_a_running_beat_can_be_cancelled(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("b", chunks=1))
    story.submit_beat(beat("c", chunks=1))
    one.until(one.frames)
    story.cancel_beat("b", wait=5)
    story.cancel_beat("a", wait=5)
    one.until(lambda: one.done("c"))
    assert (one.done("b").outcome, one.done("b").frames) == ("cancelled", 0)
    assert one.done("a").outcome == "cancelled"
    assert one.done("a").frames < FIRST_CHUNK + 29 * CHUNK
    assert (one.done("c").outcome, one.done("c").first_frame) == ("completed", one.done("a").frames)
    story.cancel_beat("b", wait=5)  # done already: nothing left to do, and no error
    with pytest.raises(RequestFailedError, match="unknown_beat"):
        story.cancel_beat("never", wait=5)


def test_closing_without_draining_stops_at_the_chunk(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("b"))
    one.until(one.frames)
    story.close(drain=False)
    one.until(one.closed)
    assert one.closed().end is StoryEnd.STOPPED
    assert (one.done("a").outcome, one.done("b").outcome) == ("interrupted", "cancelled")
    assert one.closed().frames == len(one.frames()) == one.done("a").frames
    with pytest.raises(RequestFailedError, match="unknown_story"):
        story.submit_beat(beat("c"), wait=5)


def test_the_same_beat_twice_has_no_second_effect(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    again = one.client.open_story(global_caption=CAPTION, seed=7, story_id="story")
    assert again.opened.story_id == "story"
    for _ in range(3):
        story.submit_beat(beat("a", chunks=1), wait=5)
    one.until(lambda: one.done("a"))
    story.submit_beat(beat("a", chunks=1), wait=5)
    with pytest.raises(RequestFailedError, match="beat_exists"):
        story.submit_beat(beat("a", "another text", chunks=1), wait=5)
    story.close()
    one.until(one.closed)
    assert one.closed().frames == FIRST_CHUNK
    assert one.stages("a").count("done") == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"mode": "continue"}, "no_shot_to_continue"),
        ({"mode": "continue", "policy": "queue"}, "no_shot_to_continue"),
    ],
)
def test_continue_needs_a_shot(serve: Any, connect: Any, values: dict[str, Any], code: str) -> None:
    one = connect(serve())
    story = open_watched(one)
    with pytest.raises(RequestFailedError, match="no_shot_to_continue"):
        story.submit_beat(beat("a", **values), wait=5)
    story.submit_beat(beat("b", chunks=1), wait=5)
    one.until(lambda: one.done("b"))
    assert one.done("b").outcome == "completed"


def test_what_a_host_refuses(serve: Any, connect: Any) -> None:
    server = serve(limits=StoryLimits(beats_waiting=2, stories_per_client=2))
    one, two = connect(server), connect(server)
    # The watcher takes nothing, so the first beat cannot end while the others are sent.
    story = open_watched(one, auto_grant=False, credits=1)
    story.submit_beat(beat("running", chunks=100), wait=5)
    one.until(lambda: "first_frame" in one.stages("running"))
    story.submit_beat(beat("w1"), wait=5)
    story.submit_beat(beat("w2"), wait=5)
    with pytest.raises(RequestFailedError, match="queue_full: 2 beats wait"):
        story.submit_beat(beat("w3"), wait=5)
    with pytest.raises(RequestFailedError, match="story_exists"):
        two.client.open_story(global_caption="another", story_id="story")
    with pytest.raises(RequestFailedError, match="not_owner"):
        two.client.story("story").submit_beat(beat("x"), wait=5)
    with pytest.raises(RequestFailedError, match="not_owner"):
        two.client.story("story").close(wait=5)
    with pytest.raises(RequestFailedError, match="unknown_story"):
        two.client.story("none").submit_beat(beat("x"), wait=5)
    one.client.open_story(global_caption=CAPTION, story_id="second")
    with pytest.raises(RequestFailedError, match="too_many_stories: this client has 2"):
        one.client.open_story(global_caption=CAPTION, story_id="third")


def test_a_caption_outside_the_models_world_gives_a_notice(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", "the submarine explodes in a volcano", chunks=1))
    one.until(lambda: one.done("a"))
    notices = [event for event in one.heard if type(event).__name__ == "Notice"]
    assert notices
    assert {notice.beat_id for notice in notices} == {"a"}
    assert "volcano" in " ".join(notice.text for notice in notices)


def test_two_stories_take_turns(serve: Any, connect: Any) -> None:
    server = serve()
    alone = connect(server)
    story = open_watched(alone, "alone", seed=3)
    story.submit_beat(beat("a", chunks=6))
    frames = FIRST_CHUNK + 5 * CHUNK
    alone.until(lambda: len(alone.frames()) == frames)
    one, two = connect(server), connect(server)
    first, second = open_watched(one, "one", seed=3), open_watched(two, "two", seed=4)
    first.submit_beat(beat("a", chunks=6), wait=5)
    second.submit_beat(beat("a", chunks=6), wait=5)
    one.until(lambda: len(one.frames()) == frames)
    two.until(lambda: len(two.frames()) == frames)
    # Neither waited for the other's end, and neither changed the other's frames.
    mine, yours = ([frame.header.created_ns for frame in listener.frames()] for listener in (one, two))
    assert max(mine[0], yours[0]) < min(mine[-1], yours[-1])
    merged = sorted([(time, "one") for time in mine] + [(time, "two") for time in yours])
    turns = sum(left[1] != right[1] for left, right in pairwise(merged))
    assert turns >= 8
    assert np.array_equal(one.pixels(), alone.pixels())
    assert not np.array_equal(two.pixels(), alone.pixels())


def test_a_stalled_lossless_watcher_pauses_its_own_story_only(serve: Any, connect: Any) -> None:
    server = serve(connection_limits=EndpointLimits(backlog_frames=12))
    stalled, free = connect(server), connect(server)
    held = open_watched(stalled, "held", auto_grant=False, credits=1)
    held.submit_beat(beat("a", chunks=8), wait=5)
    story = open_watched(free, "free")
    story.submit_beat(beat("a", chunks=8), wait=5)
    free.until(lambda: free.done("a"))
    stalled.for_s(0.5)
    assert stalled.done("a") is None
    assert len(stalled.frames()) == 1
    # What is not wanted is not generated: the rest comes when credits do, and nothing is lost.
    subscription = stalled.frames()[0].header.subscription
    while len(stalled.frames()) < FIRST_CHUNK + 7 * CHUNK:
        stalled.client.core.grant(subscription, 4)
        seen = len(stalled.frames())
        stalled.until(lambda seen=seen: len(stalled.frames()) > seen)
    indices = [frame.header.index for frame in stalled.frames()]
    assert indices == list(range(FIRST_CHUNK + 7 * CHUNK))


def test_a_live_watcher_skips_and_slows_nobody(serve: Any, connect: Any) -> None:
    server = serve()
    owner, live = connect(server), connect(server)
    story = open_watched(owner)
    live.client.story("story").subscribe("latest", credits=1, auto_grant=False)
    story.submit_beat(beat("a", chunks=6))
    owner.until(lambda: owner.done("a") and len(owner.frames()) == FIRST_CHUNK + 5 * CHUNK)
    live.for_s(0.2)
    assert len(live.frames()) == 1
    live.client.core.grant(live.frames()[0].header.subscription, 1)
    live.until(lambda: len(live.frames()) == 2)
    first, second = (frame.header for frame in live.frames())
    assert second.index == FIRST_CHUNK + 5 * CHUNK - 1
    assert second.skipped == second.index - first.index - 1


def test_stalled_watchers_do_not_keep_a_story_from_being_stopped(serve: Any, connect: Any) -> None:
    one = connect(serve(connection_limits=EndpointLimits(backlog_frames=12)))
    story = open_watched(one, auto_grant=False, credits=1)
    story.submit_beat(beat("a", chunks=20), wait=5)
    one.until(one.frames)
    story.close(drain=False)
    one.until(lambda: one.done("a"))
    assert one.done("a").outcome == "interrupted"


CLIENT_THAT_DIES = """
    import os, sys
    from shotstream_bridge.client import Client
    from shotstream_bridge.frames import ReceivedFrame
    from shotstream_bridge.story import BeatScript
    client = Client.connect(sys.argv[1], timeout_s=2.0)
    story = client.open_story(global_caption="A fox.", story_id="orphan")
    story.subscribe()
    story.submit_beat(BeatScript(id="a", text="the fox walks", chunks=200))
    for event in client.events():
        if isinstance(event, ReceivedFrame):
            print("frame", flush=True)
            break
    sys.stdin.read()
"""


def test_a_client_killed_mid_shot_leaves_a_server_that_serves(serve: Any, connect: Any) -> None:
    server = serve()
    watcher = connect(server)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CLIENT_THAT_DIES), server.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"frame"
        watcher.client.story("orphan").subscribe()
    finally:
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()
    one = connect(server)
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=2))
    one.until(lambda: one.done("a"))
    assert one.done("a").outcome == "completed"
    # The orphan ends by itself, which whoever watches it is told.
    watcher.until(watcher.closed)
    assert watcher.closed().end is StoryEnd.STOPPED
    assert watcher.done("a").outcome == "interrupted"
    assert server.host.running


class FailingEngine:
    """The real engine, except that a chosen chunk of one story fails as an engine does."""

    name = "failing"

    def __init__(self, student: Any, error: Exception) -> None:
        self.inner = EagerEngine(student)
        self.error = error
        self.armed: threading.Event = threading.Event()

    def open_session(self, height: int, width: int, batch: int = 1) -> Any:
        session = self.inner.open_session(height, width, batch)
        whole = session.denoise

        def denoise(*args: Any, **kwargs: Any) -> Any:
            if self.armed.is_set() and kwargs["first_frame"] == 3:
                self.armed.clear()
                raise self.error
            return whole(*args, **kwargs)

        session.denoise = denoise
        return session


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (RuntimeError("a kernel failed"), "internal", False),
        (MemoryError("no room"), "out_of_memory", True),
    ],
)
def test_a_failure_ends_its_story_with_a_reason_and_no_other(
    serve: Any, connect: Any, tiny_loaded: Any, error: Exception, code: str, retryable: bool
) -> None:
    engine = FailingEngine(tiny_loaded.student, error)
    server = serve(engine=engine)
    one, two = connect(server), connect(server)
    other = open_watched(two, "other")
    other.submit_beat(beat("a", chunks=1))
    two.until(lambda: two.done("a"))
    story = open_watched(one, "broken")
    engine.armed.set()
    story.submit_beat(beat("a", chunks=5))
    story.submit_beat(beat("b", chunks=5))
    one.until(one.closed)
    assert one.closed().end is StoryEnd.FAILED
    for name, frames in (("a", FIRST_CHUNK), ("b", 0)):
        status = one.done(name)
        assert (status.outcome, status.code, status.retryable) == ("failed", code, retryable)
        assert status.frames == frames
        assert status.reason
    other.submit_beat(beat("b", chunks=2))
    two.until(lambda: two.done("b"))
    assert two.done("b").outcome == "completed"
    # The same client may try again under the same name.
    again = open_watched(one, "broken")
    again.submit_beat(beat("c", chunks=2))
    one.until(lambda: one.done("c"))
    assert one.done("c").outcome == "completed"


def test_stopping_finishes_the_chunk_and_tells_the_clients(serve: Any, connect: Any) -> None:
    server = serve()
    one = connect(server)
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("b"))
    one.until(one.frames)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    one.until(lambda: not one.client.connected)
    stopper.join(20)
    assert not stopper.is_alive()
    assert not server.host.running
    frames = one.closed().frames
    assert one.closed().end is StoryEnd.SERVER_STOPPING
    assert (frames - FIRST_CHUNK) % CHUNK == 0
    assert (one.done("a").outcome, one.done("b").outcome) == ("interrupted", "cancelled")
    assert one.done("a").frames == frames


def test_a_port_in_use_is_told_and_the_first_server_lives(serve: Any, connect: Any, tiny_loaded: Any) -> None:
    from shotstream_runtime.host.serving import Server

    server = serve()
    port = server.address.rpartition(":")[2]
    with (
        pytest.raises(AddressError, match=f"port {port} is in use"),
        Server(tiny_loaded, EagerEngine(tiny_loaded.student), server.address),
    ):
        pass
    one = connect(server)
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=1))
    one.until(lambda: one.done("a"))


def test_the_frames_of_a_long_story_leave_no_memory_behind(serve: Any, connect: Any) -> None:
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("resident memory is read from /proc")

    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    one = connect(serve())
    story = open_watched(one)

    def play(first: int, count: int) -> None:
        for number in range(first, first + count):
            story.submit_beat(beat(f"b{number}", chunks=1))
        one.until(lambda: one.done(f"b{first + count - 1}"))
        one.heard.clear()

    play(0, 8)
    before = resident()
    play(8, 16)
    assert resident() - before < 8e6
