# SPDX-License-Identifier: Apache-2.0
"""Clients of a server that is killed, or stopped, and started anew: they go on, and nothing is another."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_process import begin
from killable_server import PATIENCE_S, KillableServer
from shotstream_bridge import backoff
from shotstream_bridge.async_client import AsyncClient
from shotstream_bridge.client import Client
from shotstream_bridge.events import (
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    FramesMissed,
)
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import BeatOutcome, BeatStage, BeatStatus, Notice, StoryClosed, StoryEnd
from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript
from shotstream_runtime.host.manifest import read_manifest
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.entries import StoryState
from tiny_model_folder import CHUNK, FIRST_CHUNK
from undisturbed_story import render_undisturbed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="servers are forked")

CAPTION = "A fox in a red coat in the forest."
STORY = {"global_caption": CAPTION, "seed": 7, "story_id": "s"}
QUEUED = {"policy": BeatPolicy.QUEUE}
SHOT = (
    BeatScript(id="walks", text="the fox walks", chunks=2, **QUEUED),
    BeatScript(id="jumps", text="the fox jumps", mode=BeatMode.CONTINUE, chunks=2, **QUEUED),
    BeatScript(id="close", text="close-up of the fox", chunks=1, **QUEUED),
    BeatScript(id="sleeps", text="the fox sleeps", chunks=4, **QUEUED),
)
BEATS = tuple(beat.model_copy(update={"id": f"{beat.id}-{number}"}) for number in range(2) for beat in SHOT)
FRAMES = 2 * (3 * FIRST_CHUNK + 6 * CHUNK)


@pytest.fixture(scope="module")
def undisturbed(tiny_folder: Path) -> np.ndarray:
    """The frames of the story without a journal, a server or a crash: ``[frames, H, W, 3]``."""
    frames = render_undisturbed(tiny_folder, CAPTION, 7, BEATS)
    assert len(frames) == FRAMES
    return frames


@pytest.fixture(autouse=True)
def _impatient_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client whose connection is lost every second would wait longer and longer."""
    monkeypatch.setattr(backoff, "LONGEST_S", 0.1)


@pytest.fixture
def server(tiny_folder: Path, tmp_path: Path) -> Iterator[KillableServer]:
    with KillableServer(tiny_folder, tmp_path) as running:
        yield running


class Heard:
    """All that a client heard."""

    def __init__(self) -> None:
        self.frames: list[ReceivedFrame] = []
        self.pixels: list[np.ndarray] = []
        self.others: list[ClientEvent] = []

    def take(self, events: list[ClientEvent]) -> None:
        for event in events:
            assert not isinstance(event, ConnectionLost), event
            if isinstance(event, ReceivedFrame):
                self.frames.append(event)
                self.pixels.append(event.rgb().copy())
            else:
                self.others.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.others if isinstance(event, kind)]

    def check_whole(self, undisturbed: np.ndarray) -> None:
        """Every frame once, in order and to the bit; every stage of every beat once; one end."""
        assert [frame.header.index for frame in self.frames] == list(range(FRAMES))
        assert np.array_equal(np.stack(self.pixels), undisturbed)
        assert self.of(FramesMissed) == []
        told: dict[str, list[BeatStage]] = {}
        for status in self.of(BeatStatus):
            told.setdefault(status.beat_id, []).append(status.stage)
        stages = [BeatStage.ACCEPTED, BeatStage.SCHEDULED, BeatStage.FIRST_FRAME, BeatStage.DONE]
        assert told == {beat.id: stages for beat in BEATS}
        done = [status for status in self.of(BeatStatus) if status.stage is BeatStage.DONE]
        assert {status.outcome for status in done} == {BeatOutcome.COMPLETED}
        (closed,) = self.of(StoryClosed)
        assert (closed.end, closed.frames) == (StoryEnd.DRAINED, FRAMES)


def play(
    server: KillableServer,
    kills: list[int],
    undisturbed: np.ndarray,
    delay: Callable[[], float],
    *,
    orderly: bool = False,
) -> None:
    """Plays the story, and kills the server as soon as so many frames were received, and a little later.

    With `orderly` it is stopped instead, while the client goes on asking.
    """
    replacing = threading.Thread()
    heard = Heard()
    server.start()
    with Client.connect(server.address, PATIENCE_S, client_id="director", reconnect_s=PATIENCE_S) as client:
        client.wait_until_ready(PATIENCE_S)
        story = client.open_story(**STORY)
        story.subscribe(credits=8)
        waiting, left = list(BEATS), list(kills)
        deadline = time.monotonic() + PATIENCE_S + 5 * len(kills)
        while not heard.of(StoryClosed):
            assert time.monotonic() < deadline, (len(heard.frames), heard.others[-5:])
            # Beats go out as the story runs, some of them into the last moments of a server.
            while waiting and len(heard.frames) >= FRAMES * (len(BEATS) - len(waiting) - 2) // len(BEATS):
                story.submit_beat(waiting.pop(0), wait=0)
                if not waiting:
                    story.close(wait=0)
            if left and len(heard.frames) >= left[0] and not replacing.is_alive():
                left.pop(0)
                time.sleep(delay())
                if orderly:
                    replacing = threading.Thread(target=server.replace)
                    replacing.start()
                else:
                    server.restart()
            heard.take(client.pump(0.02))
        if orderly:
            replacing.join(PATIENCE_S)
    # A server may die once more behind the end of the story.
    assert len(heard.of(ConnectionInterrupted)) - len(heard.of(ConnectionResumed)) in (0, 1)
    assert heard.of(ConnectionResumed)
    heard.check_whole(undisturbed)
    # The last server may have been killed before it wrote that down; the one after it finishes.
    while (listing := list_stories(server.journal)[0]).story.state is StoryState.OPEN:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert listing.story.state is StoryState.DRAINED
    assert [entry.beat.id for entry in listing.story.beats] == [beat.id for beat in BEATS]


def random_kills(seed: int, count: int) -> tuple[list[int], Callable[[], float]]:
    chance = random.Random(seed)  # noqa: S311 - to be the same each time
    return sorted(chance.sample(range(FRAMES - 1), count)), lambda: chance.uniform(0, 0.03)


def test_a_client_goes_on_through_twenty_kills(server: KillableServer, undisturbed: np.ndarray) -> None:
    kills, delay = random_kills(0, 20)
    play(server, kills, undisturbed, delay)


def test_a_client_goes_on_through_orderly_stops(server: KillableServer, undisturbed: np.ndarray) -> None:
    stops, delay = random_kills(0, 5)
    play(server, stops, undisturbed, delay, orderly=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_client_goes_on_through_a_hundred_orderly_stops(
    server: KillableServer, undisturbed: np.ndarray, seed: int
) -> None:
    stops, delay = random_kills(seed, 20)
    play(server, stops, undisturbed, delay, orderly=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_client_goes_on_through_two_hundred_kills(
    server: KillableServer, undisturbed: np.ndarray, seed: int
) -> None:
    kills, delay = random_kills(seed, 20)
    play(server, kills, undisturbed, delay)


@pytest.mark.parametrize("orderly", [False, True], ids=["killed", "stopped"])
def test_an_asyncio_client_goes_on(server: KillableServer, undisturbed: np.ndarray, orderly: bool) -> None:
    async def run() -> Heard:
        heard = Heard()
        server.start()
        connecting = AsyncClient.connect(server.address, PATIENCE_S, reconnect_s=PATIENCE_S)
        async with await connecting as client:
            await client.wait_until_ready(PATIENCE_S)
            story = await client.open_story(**STORY)
            await story.subscribe(credits=8)
            for beat in BEATS[:-1]:
                await story.submit_beat(beat)
            kills = [1, FRAMES // 2, FRAMES - CHUNK]
            deadline = time.monotonic() + PATIENCE_S
            while not heard.of(StoryClosed):
                assert time.monotonic() < deadline
                if kills and len(heard.frames) >= kills[0]:
                    if len(kills) == 3:
                        # Into the last moment of the server: nobody knows whether it got there.
                        await story.submit_beat(BEATS[-1], wait=0)
                        await story.close(wait=0)
                    kills.pop(0)
                    await asyncio.to_thread(server.replace if orderly else server.restart)
                heard.take(await client.next_events(0.02))
        return heard

    asyncio.run(run()).check_whole(undisturbed)


@pytest.mark.parametrize("orderly", [False, True], ids=["killed", "stopped"])
def test_play_goes_on_and_its_take_is_whole(
    server: KillableServer, undisturbed: np.ndarray, tmp_path: Path, orderly: bool
) -> None:
    beats = "\n".join(
        f"  - {{text: {beat.text}, mode: {beat.mode.value}, chunks: {beat.chunks}}}" for beat in BEATS
    )
    path = tmp_path / "story.yaml"
    path.write_text(f"global_caption: {CAPTION}\nseed: 7\nbeats:\n{beats}\n", encoding="utf-8")
    server.start()
    played = begin("play", path, "--address", server.address, "-o", tmp_path / "take", "--png")
    deadline = time.monotonic() + PATIENCE_S
    for frames in (1, FRAMES // 2):
        while not (server.journal / "stories").is_dir() or not any(
            listing.story.frames >= frames for listing in list_stories(server.journal)
        ):
            assert time.monotonic() < deadline
            assert played.process.poll() is None, played.end()
            time.sleep(0.005)
        (server.replace if orderly else server.restart)()
    outcome = played.end()
    assert outcome.code == 0, outcome
    from PIL import Image

    pictures = sorted((tmp_path / "take").glob("frames/**/*.png"))
    assert len(pictures) == FRAMES
    assert np.array_equal(np.stack([np.asarray(Image.open(p)) for p in pictures]), undisturbed)
    assert read_manifest(tmp_path / "take" / "manifest.json") is not None


def test_without_a_journal_it_is_told_that_the_story_is_gone(tiny_folder: Path, tmp_path: Path) -> None:
    with KillableServer(tiny_folder, tmp_path) as server:
        server._arguments = [a for a in server._arguments if a not in ("--journal", str(server.journal))]
        server.start()
        heard = Heard()
        with Client.connect(server.address, PATIENCE_S, reconnect_s=PATIENCE_S) as client:
            client.wait_until_ready(PATIENCE_S)
            story = client.open_story(**STORY)
            story.subscribe(credits=8)
            story.submit_beat(BeatScript(id="a", text="the fox walks", chunks=200))
            deadline = time.monotonic() + PATIENCE_S
            while not heard.of(StoryClosed):
                assert time.monotonic() < deadline
                heard.take(client.pump(0.02))
                if len(heard.frames) > 20 and not heard.of(ConnectionInterrupted):
                    server.restart()
                    heard.take(client.pump(0.2))
        (closed,) = heard.of(StoryClosed)
        assert closed.end is StoryEnd.FAILED
        assert "is not open" in closed.reason
        assert heard.of(Notice) == []
