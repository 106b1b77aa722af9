# SPDX-License-Identifier: Apache-2.0
"""A server with a journal: frames of before, stories nobody is there for, and a disk that takes its time."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listener import CAPTION, PATIENCE_S, Listener, beat, open_watched
from shotstream_bridge.errors import RequestFailedError
from shotstream_bridge.events import FramesMissed
from shotstream_bridge.messages import Notice, Quotas, ServerState, StoryEnd
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.host.model_facts import ModelFacts
from shotstream_runtime.host.serving import Server
from shotstream_runtime.journal.catalogue import find_story, list_stories
from shotstream_runtime.journal.entries import AcceptedBeat, StoryState
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.journal.records import StoryRecords
from tiny_model_folder import CHUNK, FIRST_CHUNK, HEIGHT, WIDTH

CHUNKS = 30
FRAMES = FIRST_CHUNK + (CHUNKS - 1) * CHUNK
# A few frames of all stories: nearly all of a story is on disk only.
FORGETFUL = Quotas(kept_bytes=4 * WIDTH * HEIGHT * 3, resume_s=0.2)


@pytest.fixture
def serve_journal(tiny_loaded: Any, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers, one after the other, on the test's journal."""
    servers: list[Server] = []

    def start(**options: Any) -> Server:
        for server in servers:
            server.stop()
        server = Server(ModelFacts.of(tiny_loaded), "tcp://127.0.0.1:0", **options)
        server.__enter__()
        servers.append(server)
        server.begin(tiny_loaded, EagerEngine(tiny_loaded.student), Journal(tmp_path / "journal"))
        assert server.host.wait_ready(30)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    """Connects clients."""
    listeners: list[Listener] = []

    def start(server: Server, client_id: str | None = None) -> Listener:
        listeners.append(Listener(server.address, client_id))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.client.close()


def journalled(folder: Path, frames: int) -> None:
    """Waits until the newest story has so many frames on disk."""
    deadline = time.monotonic() + PATIENCE_S
    while list_stories(folder)[-1].story.frames < frames:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state_of(folder: Path, name: str) -> StoryState:
    return find_story(folder, name).story.state


def until(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def watch_from(listener: Listener, name: str, first: int, credits: int = 5) -> None:
    listener.client.story(name).subscribe("every", credits=credits, from_frame=first)


def indices(listener: Listener) -> list[int]:
    return [frame.header.index for frame in listener.frames()]


def test_a_running_story_is_seen_from_its_beginning(serve_journal: Any, listen: Any, tmp_path: Path) -> None:
    server = serve_journal(quotas=FORGETFUL)
    owner = listen(server)
    story = open_watched(owner, credits=64)
    story.submit_beat(beat("a", chunks=CHUNKS))
    owner.until(lambda: len(owner.frames()) == FRAMES)
    journalled(tmp_path / "journal", FRAMES)
    late = listen(server)
    watch_from(late, "story", 3)
    late.until(lambda: indices(late)[-1:] == [FRAMES - 1])
    assert indices(late) == list(range(3, FRAMES))
    # It has caught up: what is generated from now on follows.
    story.submit_beat(beat("b", chunks=2))
    late.until(lambda: len(late.frames()) == FRAMES - 3 + FIRST_CHUNK + CHUNK)
    owner.until(lambda: len(owner.frames()) == FRAMES + FIRST_CHUNK + CHUNK)
    assert np.array_equal(late.pixels(), owner.pixels()[3:])
    assert not any(isinstance(event, FramesMissed) for event in late.heard)


def test_who_is_behind_gets_no_more_than_its_credits_and_holds_nobody_up(
    serve_journal: Any, listen: Any, tmp_path: Path
) -> None:
    server = serve_journal(quotas=FORGETFUL)
    owner = listen(server)
    story = open_watched(owner, credits=64)
    story.submit_beat(beat("a", chunks=CHUNKS))
    owner.until(lambda: len(owner.frames()) == FRAMES)
    journalled(tmp_path / "journal", FRAMES)
    late = listen(server)
    late.client.story("story").subscribe("every", credits=7, from_frame=0, auto_grant=False)
    late.until(lambda: len(late.frames()) == 7)
    late.for_s(0.3)
    assert len(late.frames()) == 7
    story.submit_beat(beat("b", chunks=CHUNKS))
    owner.until(lambda: len(owner.frames()) == 2 * FRAMES)
    (watcher,) = server.endpoint._watchers.behind()
    assert watcher.flow.buffered <= 2 * CHUNK


def test_an_ended_story_is_seen_whole_by_the_next_server_too(
    serve_journal: Any, listen: Any, tmp_path: Path
) -> None:
    server = serve_journal(quotas=FORGETFUL)
    owner = listen(server)
    story = open_watched(owner, credits=64)
    story.submit_beat(beat("a", chunks=3))
    story.close()
    owner.until(owner.closed)
    until(lambda: state_of(tmp_path / "journal", "story") is StoryState.DRAINED)
    until(lambda: server.endpoint._watchers.kept("story") == (None, 0))
    # Forgotten by the endpoint: what is left of it is in the journal.
    for again in (lambda: server, serve_journal):
        late = listen(again())
        watch_from(late, "story", 0)
        late.until(late.closed)
        assert np.array_equal(late.pixels(), owner.pixels())
        assert late.closed() == owner.closed()
        late.client.close()


def test_frames_that_are_damaged_are_left_out_and_counted(
    serve_journal: Any, listen: Any, tmp_path: Path
) -> None:
    server = serve_journal(quotas=FORGETFUL)
    owner = listen(server)
    story = open_watched(owner, credits=64)
    story.submit_beat(beat("a", chunks=CHUNKS))
    owner.until(lambda: len(owner.frames()) == FRAMES)
    journalled(tmp_path / "journal", FRAMES)
    movie = find_story(tmp_path / "journal", "story").path / "shots/00000/00002.mkv"
    movie.write_bytes(b"damaged")
    late = listen(server)
    watch_from(late, "story", 0)
    late.until(lambda: indices(late)[-1:] == [FRAMES - 1])
    first = FIRST_CHUNK + CHUNK
    assert indices(late) == [*range(first), *range(first + CHUNK, FRAMES)]
    (missed,) = [event for event in late.heard if isinstance(event, FramesMissed)]
    assert (missed.first, missed.count) == (first, CHUNK)
    (notice,) = [event for event in late.heard if isinstance(event, Notice)]
    assert notice.code == "frames_damaged"
    assert str(movie) in notice.text


def test_a_story_nobody_is_there_for_is_laid_aside_and_comes_back(
    serve_journal: Any, listen: Any, tmp_path: Path
) -> None:
    server = serve_journal(suspend_after_s=1.0, quotas=FORGETFUL)
    undisturbed = listen(server)
    story = open_watched(undisturbed, "undisturbed", credits=64)
    story.submit_beat(beat("a", chunks=200))
    first = listen(server, "artist")
    story = open_watched(first, "story", credits=4)
    story.submit_beat(beat("a", chunks=200))
    first.until(lambda: len(first.frames()) > 30)
    stream = weakref.ref(server.host._registry.get("story").stream)
    first.client.close()  # it leaves without closing its story
    until(lambda: state_of(tmp_path / "journal", "story") is StoryState.SUSPENDED)
    assert server.host._registry.get("story") is None
    until(lambda: gc.collect() and stream() is None)
    assert server.endpoint._watchers.kept("story") == (None, 0)
    frames = find_story(tmp_path / "journal", "story").story.frames
    assert frames < FIRST_CHUNK + 199 * CHUNK, "it ran to its end, and this test shows nothing"
    time.sleep(0.3)
    assert find_story(tmp_path / "journal", "story").story.frames == frames

    again = listen(server, "artist")
    # Anything that is asked of it brings it back.
    story = again.client.open_story(global_caption=CAPTION, seed=7, story_id="story", wait=PATIENCE_S)
    seen = indices(first)[-1] + 1
    story.subscribe("every", credits=64, from_frame=seen)
    story.submit_beat(beat("a", chunks=200))  # the very same: no second effect
    again.until(lambda: len(again.frames()) > frames - seen + 40)
    assert indices(again) == list(range(seen, seen + len(again.frames())))
    undisturbed.until(lambda: len(undisturbed.frames()) > indices(again)[-1])
    whole = undisturbed.pixels()
    assert np.array_equal(first.pixels(), whole[:seen])
    assert np.array_equal(again.pixels(), whole[seen : seen + len(again.frames())])
    story.close(drain=False)
    again.until(again.closed)
    assert again.closed().end is StoryEnd.STOPPED


def test_a_story_that_is_watched_is_not_laid_aside(serve_journal: Any, listen: Any) -> None:
    server = serve_journal(suspend_after_s=0.4)
    owner, watcher = listen(server), listen(server)
    open_watched(owner, "story")
    watcher.client.story("story").subscribe("latest")
    owner.client.close()
    watcher.for_s(1.5)
    assert server.host._registry.get("story") is not None


def test_a_suspended_story_stays_another_clients(serve_journal: Any, listen: Any, tmp_path: Path) -> None:
    server = serve_journal(suspend_after_s=0.4)
    owner = listen(server, "artist")
    open_watched(owner, "story")
    owner.client.close()
    until(lambda: state_of(tmp_path / "journal", "story") is StoryState.SUSPENDED)
    stranger = listen(server, "stranger")
    with pytest.raises(RequestFailedError) as caught:
        stranger.client.story("story").submit_beat(beat("a"), wait=PATIENCE_S)
    assert caught.value.code == "not_owner"
    with pytest.raises(RequestFailedError) as caught:
        open_watched(stranger, "story")
    assert caught.value.code == "story_exists"


def test_a_suspended_story_comes_back_on_the_next_server(
    serve_journal: Any, listen: Any, tmp_path: Path
) -> None:
    server = serve_journal(suspend_after_s=0.4)
    owner = listen(server, "artist")
    open_watched(owner, "story")
    owner.client.close()
    until(lambda: state_of(tmp_path / "journal", "story") is StoryState.SUSPENDED)
    server = serve_journal()
    assert server.host._registry.get("story") is None, "it takes nothing until it is asked for"
    owner = listen(server, "artist")
    story = owner.client.story("story")
    story.subscribe("every", credits=64, from_frame=0, wait=PATIENCE_S)
    story.submit_beat(beat("a", chunks=1), wait=PATIENCE_S)
    owner.until(lambda: len(owner.frames()) == FIRST_CHUNK)


def test_a_slow_disk_delays_its_own_answers_and_nobody_else(
    serve_journal: Any, listen: Any, tmp_path: Path
) -> None:
    server = serve_journal()
    one, other = listen(server), listen(server)
    slow = open_watched(one, "slow", credits=64)
    open_watched(other, "other", credits=64)
    # Another process has the database locked: writing to it takes until that lets go of it.
    records = sqlite3.connect(find_story(tmp_path / "journal", "slow").path / "records.sqlite")
    records.execute("BEGIN IMMEDIATE")
    answered: list[float] = []

    def ask() -> None:
        slow.submit_beat(beat("a", chunks=1), wait=PATIENCE_S)
        answered.append(time.monotonic())

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)
    longest = 0.0
    for number in range(20):
        started = time.monotonic()
        # Answered by the endpoint's thread itself, and with a frame on the way.
        with pytest.raises(RequestFailedError):
            other.client.story("nowhere").subscribe(wait=PATIENCE_S)
        longest = max(longest, time.monotonic() - started)
        time.sleep(0.05)
        assert not answered, number
    released = time.monotonic()
    records.rollback()
    records.close()
    asking.join(PATIENCE_S)
    assert answered
    assert answered[0] >= released
    assert longest < 0.5


def test_a_beat_on_its_way_to_the_disk_when_the_server_stops_is_accepted_and_played_by_the_next(
    serve_journal: Any, listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve_journal()
    owner = listen(server, "owner")
    story = open_watched(owner, credits=64)
    written, told = threading.Event(), threading.Event()
    add_beat = StoryRecords.add_beat

    def on_disk_and_no_further(records: StoryRecords, accepted: AcceptedBeat) -> None:
        add_beat(records, accepted)
        written.set()
        assert told.wait(PATIENCE_S)

    monkeypatch.setattr(StoryRecords, "add_beat", on_disk_and_no_further)
    story.submit_beat(beat("a", chunks=1), wait=0)
    assert written.wait(PATIENCE_S)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    owner.until(lambda: any(isinstance(event, ServerState) for event in owner.heard))
    assert owner.stages("a") == []
    # No other one is taken any more; it is for the next server, to which the client sends it again.
    story.submit_beat(beat("b", chunks=1), wait=0)
    told.set()
    owner.until(owner.interrupted)
    assert owner.stages("a") == ["accepted"]
    assert owner.statuses("b") == []
    assert owner.closed() is None
    stopping.join(PATIENCE_S)
    assert not stopping.is_alive()
    again = listen(serve_journal(), "owner")
    watch_from(again, "story", 0)
    again.until(lambda: len(again.frames()) == FIRST_CHUNK)
    assert {frame.header.beat_id for frame in again.frames()} == {"a"}
