# SPDX-License-Identifier: Apache-2.0
"""The end of a server, asked for by a signal: in a bounded time, whoever does not read and whatever runs."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_process import environment
from shotstream_bridge.client import Client
from shotstream_bridge.events import ClientEvent, ConnectionInterrupted, ConnectionLost
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import (
    BeatStage,
    BeatStatus,
    ServerState,
    ServerStateName,
    StoryClosed,
)
from shotstream_bridge.story import BeatScript
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.entries import StoryState
from shotstream_runtime.journal.story_reader import StoryReader
from tiny_model_folder import CHUNK, FIRST_CHUNK

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

PATIENCE_S = 60.0
CAPTION = "A fox in a red coat in the forest."

WATCHER = """
    import sys
    from shotstream_bridge.client import Client
    from shotstream_bridge.frames import ReceivedFrame
    client = Client.connect(sys.argv[1], timeout_s=120.0)
    client.story("s").subscribe("every", credits=64)
    for event in client.events():
        if isinstance(event, ReceivedFrame):
            print("frame", flush=True)
"""

# The command, in whose chunks a part lasts as long as the test wants.
SLOW_SERVER = """
    import sys, time
    from shotstream_runtime.cli.app import run
    from shotstream_runtime.cli.commands import serve
    from shotstream_runtime.engines import EagerSession
    from shotstream_runtime.weights import load
    where, stop_s = sys.argv[1], float(sys.argv[2])
    serve._STOP_S = stop_s
    denoise, read = EagerSession.denoise, load.read_checkpoint
    calls = 0
    def long_denoise(*args, **kwargs):
        global calls
        calls += 1
        if where == "chunk" and calls > 2:  # the warm-up is one
            print("in the chunk", flush=True)
            time.sleep(600)
        return denoise(*args, **kwargs)
    def long_read(*args, **kwargs):
        if where == "loading":
            print("in the loading", flush=True)
            time.sleep(600)
        return read(*args, **kwargs)
    EagerSession.denoise, load.read_checkpoint = long_denoise, long_read
    run(sys.argv[3:])
"""


@pytest.fixture
def spawn() -> Iterator[Callable[..., Any]]:
    """Starts Python processes; what still runs after the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def line_with(process: Any, text: str) -> str:
    for line in process.stdout:
        if text in line:
            return str(line)
    raise AssertionError(f"{text!r} never came")


def until(client: Client, heard: list[ClientEvent], reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, heard[-5:]
        heard.extend(client.pump(0.05))


def frames_of(heard: list[ClientEvent]) -> list[np.ndarray]:
    return [event.rgb() for event in heard if isinstance(event, ReceivedFrame)]


def ended(process: Any, within_s: float) -> int:
    return int(process.wait(within_s))


def test_a_stop_in_the_middle_of_a_shot_among_clients_that_stall_and_vanish(
    start: Any, spawn: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "journal"

    def serve() -> tuple[Any, str]:
        server = start("serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0", "--journal", folder)
        return server, server.line_with("Serving tiny").rsplit(" ", 1)[1].strip()

    server, address = serve()
    heard: list[ClientEvent] = []
    with Client.connect(address, client_id="director", reconnect_s=0) as client:
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.subscribe("every", credits=64)
        stalled, vanished = spawn(WATCHER, address), spawn(WATCHER, address)
        # Both watch before the story begins, so that both are owed frames when they stop reading.
        deadline = time.monotonic() + PATIENCE_S
        while client.status().watchers < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        story.submit_beat(BeatScript(id="a", text="the fox walks", chunks=150))
        line_with(stalled, "frame")
        line_with(vanished, "frame")
        stalled.send_signal(signal.SIGSTOP)
        vanished.kill()
        until(client, heard, lambda: len(frames_of(heard)) > FIRST_CHUNK + CHUNK)
        began = time.monotonic()
        server.process.terminate()
        until(client, heard, lambda: any(isinstance(event, ConnectionLost) for event in heard))
        assert ended(server.process, 30) == 0
        assert time.monotonic() - began < 20
    states = [event.state for event in heard if isinstance(event, ServerState)]
    assert ServerStateName.STOPPING in states
    # The story goes on with the next server, and so would a client that waits for it.
    assert not [event for event in heard if isinstance(event, StoryClosed)]
    assert next(event for event in heard if isinstance(event, ConnectionLost)).by_server
    # The beat goes on with the next server, so that nobody is told that it is done.
    stages = [event.stage for event in heard if isinstance(event, BeatStatus)]
    assert BeatStage.FIRST_FRAME in stages
    assert BeatStage.DONE not in stages
    shown = np.stack(frames_of(heard))
    assert (len(shown) - FIRST_CHUNK) % CHUNK == 0
    # The journal was closed: it is nobody's, whole, and the story is open in it.
    (listing,) = list_stories(folder)
    assert (listing.story.state, listing.story.damage) == (StoryState.OPEN, [])
    assert len(shown) == listing.story.frames, "the chunk that ran was finished and delivered"
    # Another server goes on, and what it makes again are the very same frames.
    server, address = serve()
    with Client.connect(address, client_id="director") as client:
        again: list[ClientEvent] = []
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.submit_beat(BeatScript(id="end", text="the fox sleeps", policy="interrupt", chunks=1))
        story.close()
        until(client, again, lambda: any(isinstance(event, StoryClosed) for event in again))
    server.process.terminate()
    assert ended(server.process, 30) == 0
    (listing,) = list_stories(folder)
    assert listing.story.state is StoryState.DRAINED
    kept = [frame.pixels for frame in StoryReader(listing.path).frames(listing.story)]
    assert len(kept) > len(shown)
    assert np.array_equal(np.stack(kept[: len(shown)]), shown)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_second_signal_ends_at_once(spawn: Any, tiny_folder: Path, number: signal.Signals) -> None:
    server = spawn(SLOW_SERVER, "chunk", 600, "serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0")
    address = line_with(server, "Serving tiny").rsplit(" ", 1)[1].strip()
    with Client.connect(address) as client:
        client.open_story(global_caption=CAPTION, story_id="s").submit_beat(
            BeatScript(id="a", text="the fox walks", chunks=3)
        )
        line_with(server, "in the chunk")
        server.send_signal(number)
        line_with(server, "Finishing the running chunk")
        began = time.monotonic()
        server.send_signal(number)
        assert ended(server, 20) == 130
        assert time.monotonic() - began < 5


def test_a_chunk_that_does_not_end_is_not_waited_for_for_ever(spawn: Any, tiny_folder: Path) -> None:
    server = spawn(SLOW_SERVER, "chunk", 1, "serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0")
    address = line_with(server, "Serving tiny").rsplit(" ", 1)[1].strip()
    heard: list[ClientEvent] = []
    with Client.connect(address) as client:
        client.open_story(global_caption=CAPTION, story_id="s").submit_beat(
            BeatScript(id="a", text="the fox walks", chunks=3)
        )
        line_with(server, "in the chunk")
        until(client, heard, lambda: any(_stage(event) is BeatStage.FIRST_FRAME for event in heard))
        began = time.monotonic()
        server.terminate()
        line_with(server, "the running chunk did not finish within 1 s")
        assert ended(server, 20) == 1
        assert time.monotonic() - began < 15
        until(client, heard, lambda: any(isinstance(event, ConnectionLost) for event in heard))
    lost = next(event for event in heard if isinstance(event, ConnectionLost))
    assert (lost.by_server, lost.reason) == (True, "the server is stopping")


def _stage(event: ClientEvent) -> BeatStage | None:
    return event.stage if isinstance(event, BeatStatus) else None


def test_a_stop_while_the_model_is_loaded(spawn: Any, tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    server = spawn(
        SLOW_SERVER,
        "loading",
        600,
        *("serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0", "--journal", folder),
    )
    address = line_with(server, "Listening at").split(" ")[2].rstrip(";\n")
    heard: list[ClientEvent] = []
    with Client.connect(address) as client:
        assert client.server.state is ServerStateName.LOADING
        line_with(server, "in the loading")
        began = time.monotonic()
        server.terminate()
        # It will have a journal: a client that came for a story of it waits for the next server.
        until(client, heard, lambda: any(isinstance(event, ConnectionInterrupted) for event in heard))
        assert ended(server, 20) == 130
        assert time.monotonic() - began < 10
    interrupted = next(event for event in heard if isinstance(event, ConnectionInterrupted))
    assert interrupted.reason == "the server is stopping"
