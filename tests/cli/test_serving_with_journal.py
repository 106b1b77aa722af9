# SPDX-License-Identifier: Apache-2.0
"""A server that is killed and started again: nothing accepted is lost, and no frame is another."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shotstream_bridge.client import Client
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import StoryClosed
from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.entries import StoryState
from shotstream_runtime.journal.story_reader import StoryReader
from tiny_model_folder import CHUNK, FIRST_CHUNK
from undisturbed_story import render_undisturbed

CAPTION = "A fox in a red coat in the forest."
PATIENCE_S = 90.0
BEATS = (
    BeatScript(id="a", text="the fox walks", chunks=2),
    BeatScript(id="b", text="the fox jumps", mode=BeatMode.CONTINUE, policy=BeatPolicy.QUEUE, chunks=2),
    BeatScript(id="c", text="close-up of the fox", chunks=1),
    BeatScript(id="d", text="the fox sleeps", chunks=4),
)
FRAMES = 3 * FIRST_CHUNK + 6 * CHUNK
Pictures = dict[int, np.ndarray]


@pytest.fixture(scope="module")
def undisturbed(tiny_folder: Path) -> np.ndarray:
    """The frames of the story without a journal, a server or a crash."""
    frames = render_undisturbed(tiny_folder, CAPTION, 7, BEATS)
    assert len(frames) == FRAMES
    return frames


@pytest.fixture
def serve(start: Callable[..., Any], tiny_folder: Path, tmp_path: Path) -> Callable[[], tuple[Any, str]]:
    """Starts a server with the test's journal; returns it and its address."""

    def start_one() -> tuple[Any, str]:
        server = start(
            "serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0", "--journal", tmp_path / "journal"
        )
        line = server.line_with("Serving tiny")
        return server, line.rsplit(" ", 1)[1].strip()

    return start_one


def watch(client: Client, pictures: Pictures, wanted: int) -> None:
    """Collects frames until there are so many."""
    deadline = time.monotonic() + PATIENCE_S
    while len(pictures) < wanted:
        assert time.monotonic() < deadline, f"only {len(pictures)} of {wanted} frames came"
        for event in client.pump(0.05):
            if isinstance(event, ReceivedFrame):
                pictures[event.header.index] = event.rgb().copy()


def journalled(folder: Path, frames: int) -> list[np.ndarray]:
    """Waits until the newest story has so many frames on disk, and reads them."""
    deadline = time.monotonic() + PATIENCE_S
    while (listing := list_stories(folder)[-1]).story.frames < frames:
        assert time.monotonic() < deadline, f"{listing.story.frames} of {frames} frames are on disk"
        time.sleep(0.05)
    reader = StoryReader(listing.path)
    read = list(reader.frames(listing.story))
    assert reader.damage == listing.story.damage == []
    assert [frame.index for frame in read] == list(range(len(read)))
    return [frame.pixels for frame in read]


def kill_and_compare(
    serve: Callable[[], tuple[Any, str]], folder: Path, undisturbed: np.ndarray, kills: list[int]
) -> None:
    """Kills the server when so many frames were delivered, and again in later runs."""
    server, address = serve()
    pictures: Pictures = {}
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.subscribe(credits=4)  # so that most of the story is yet to be made
        for beat in BEATS:
            story.submit_beat(beat)  # returns when it is accepted
        watch(client, pictures, kills[0])
        server.process.kill()
        server.process.wait()
    if kills[0] < CHUNK:
        assert list_stories(folder)[-1].story.frames < FRAMES, "nothing was left to be made"
    for kill in kills[1:]:
        server, address = serve()
        deadline = time.monotonic() + PATIENCE_S
        while list_stories(folder)[-1].story.frames < kill:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        server.process.kill()
        server.process.wait()
    serve()
    frames = np.stack(journalled(folder, FRAMES))
    assert np.array_equal(frames, undisturbed)
    assert all(np.array_equal(pixels, frames[index]) for index, pixels in pictures.items())
    stored = list_stories(folder)[-1].story
    assert [entry.beat.id for entry in stored.beats] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "kills",
    [
        [1],  # in the first chunk
        pytest.param([FIRST_CHUNK + CHUNK], marks=pytest.mark.slow),  # where beats change within a shot
        # Just after a cut, and once more in the last shot.
        pytest.param([FIRST_CHUNK + 3 * CHUNK + 2, FRAMES - 2 * CHUNK], marks=pytest.mark.slow),
    ],
)
def test_a_killed_server_goes_on_bit_for_bit(
    serve: Any, tmp_path: Path, undisturbed: np.ndarray, kills: list[int]
) -> None:
    kill_and_compare(serve, tmp_path / "journal", undisturbed, kills)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_server_killed_at_random_goes_on_bit_for_bit(
    serve: Any, tmp_path: Path, undisturbed: np.ndarray, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - to be the same each time
    kills = sorted(rng.sample(range(FRAMES), rng.randint(1, 3)))
    kill_and_compare(serve, tmp_path / "journal", undisturbed, kills)


def test_steering_at_a_moment_is_kept_at_that_moment(serve: Any, tmp_path: Path) -> None:
    server, address = serve()
    pictures: Pictures = {}
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.subscribe(credits=64)
        story.submit_beat(BeatScript(id="long", text="the fox walks", chunks=100))
        watch(client, pictures, 30)
        story.submit_beat(BeatScript(id="now", text="the fox jumps", policy=BeatPolicy.INTERRUPT, chunks=100))
        watch(client, pictures, len(pictures) + 40)
        server.process.kill()
        server.process.wait()
    server, address = serve()
    with Client.connect(address, client_id="director") as client:
        # The same again has no second effect, and gives the story back to its owner.
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.submit_beat(BeatScript(id="long", text="the fox walks", chunks=100))
        story.submit_beat(BeatScript(id="now", text="the fox jumps", policy=BeatPolicy.INTERRUPT, chunks=100))
        story.submit_beat(BeatScript(id="last", text="the fox", policy=BeatPolicy.INTERRUPT, chunks=1))
        story.close()
        deadline = time.monotonic() + PATIENCE_S
        while not any(isinstance(event, StoryClosed) for event in client.pump(0.05)):
            assert time.monotonic() < deadline
    frames = journalled(tmp_path / "journal", max(pictures) + 1)
    assert all(np.array_equal(pixels, frames[index]) for index, pixels in pictures.items())
    server.process.terminate()
    assert server.end().code == 0
    (listing,) = list_stories(tmp_path / "journal")
    assert listing.story.state is StoryState.DRAINED
    begun = [d.beat_id for d in listing.story.decisions if d.kind.value == "begun"]
    assert begun == ["long", "now", "last"]


def test_who_comes_back_to_another_server_finds_the_frames_before(
    serve: Any, tmp_path: Path, undisturbed: np.ndarray
) -> None:
    server, address = serve()
    pictures: Pictures = {}
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.subscribe(credits=64)
        for beat in BEATS:
            story.submit_beat(beat)
        watch(client, pictures, FRAMES - CHUNK)
        server.process.kill()
        server.process.wait()
    _, address = serve()
    journalled(tmp_path / "journal", FRAMES)  # by then it has been published as well
    again: Pictures = {}
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.subscribe(credits=64, from_frame=3)
        watch(client, again, FRAMES - 3)
    assert list(again) == list(range(3, FRAMES))
    assert all(np.array_equal(pixels, undisturbed[index]) for index, pixels in again.items())


@pytest.mark.slow
def test_a_server_that_is_stopped_goes_on_later(serve: Any, tmp_path: Path, undisturbed: np.ndarray) -> None:
    server, address = serve()
    pictures: Pictures = {}
    with Client.connect(address, client_id="director") as client:
        story = client.open_story(global_caption=CAPTION, seed=7, story_id="s")
        story.subscribe(credits=64)
        for beat in BEATS:
            story.submit_beat(beat)
        watch(client, pictures, FIRST_CHUNK + 1)
        server.process.terminate()
        assert server.end().code == 0
    assert list_stories(tmp_path / "journal")[-1].story.state is StoryState.OPEN
    serve()
    assert np.array_equal(np.stack(journalled(tmp_path / "journal", FRAMES)), undisturbed)


def test_a_journal_in_use_is_refused_at_once(
    serve: Any, shotstream: Callable[..., Any], tiny_folder: Path, tmp_path: Path
) -> None:
    serve()
    folder = tmp_path / "journal"
    other = shotstream("serve", "--model", tiny_folder, "--bind", "tcp://127.0.0.1:0", "--journal", folder)
    assert other.code == 1
    assert "another server writes to this journal; stop it" in other.err.splitlines()[-1]
