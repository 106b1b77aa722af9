# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a host, and what it leaves standing. Everything here is the real part."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import pytest
from listener import beat, open_watched
from shotstream_bridge.errors import AddressError
from shotstream_bridge.messages import Quotas, StoryEnd
from shotstream_runtime.host import serving
from shotstream_runtime.host.model_facts import ModelFacts
from tiny_model_folder import CHUNK, FIRST_CHUNK
from wrapped_engine import WrappedEngine

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
    server = serve(quotas=Quotas(resume_s=1.0))  # it is waited for so long, and it never comes back
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


class FailingEngine(WrappedEngine):
    """The real engine, except that a chosen chunk of one story fails as an engine does."""

    name = "failing"

    def __init__(self, student: Any, error: Exception) -> None:
        super().__init__(student)
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


def test_a_failure_ends_its_story_with_a_reason_and_no_other(
    serve: Any, connect: Any, tiny_loaded: Any
) -> None:
    engine = FailingEngine(tiny_loaded.student, RuntimeError("a kernel failed"))
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
        assert (status.outcome, status.code, status.retryable) == ("failed", "internal", False)
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


def test_a_stop_waits_for_watchers_that_read_on(serve: Any, connect: Any) -> None:
    server = serve()
    one = connect(server)
    story = open_watched(one, auto_grant=False, credits=1)
    story.submit_beat(beat("a", chunks=30))
    one.until(one.frames)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    one.until(lambda: one.done("a"))
    assert one.closed() is None
    one.client.core.grant(one.frames()[0].header.subscription, 100)
    one.until(one.closed)
    assert one.closed().end is StoryEnd.SERVER_STOPPING
    assert len(one.frames()) == one.closed().frames
    stopper.join(20)
    assert not stopper.is_alive()


def test_a_stop_does_not_wait_long_for_watchers_that_do_not_read(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_LAST_FRAMES_S", 0.1)
    server = serve()
    one = connect(server)
    open_watched(one, auto_grant=False, credits=1).submit_beat(beat("a", chunks=2))
    one.until(lambda: one.done("a"))
    started = time.monotonic()
    assert server.stop()
    assert time.monotonic() - started < 5


def test_a_port_in_use_is_told_and_the_first_server_lives(serve: Any, connect: Any, tiny_loaded: Any) -> None:
    server = serve()
    port = server.address.rpartition(":")[2]
    with (
        pytest.raises(AddressError, match=f"port {port} is in use"),
        serving.Server(ModelFacts.of(tiny_loaded), server.address),
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
