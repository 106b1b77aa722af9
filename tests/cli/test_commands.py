# SPDX-License-Identifier: Apache-2.0
"""The commands as a user runs them: real processes, real sockets, a real (tiny) model."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from command_process import PATIENCE_S, Running, begin, wait_for
from PIL import Image
from shotstream_bridge.client import Client
from shotstream_bridge.events import ClientEvent, ConnectionLost
from shotstream_bridge.messages import StoryClosed, StoryEnd
from shotstream_bridge.story import BeatScript
from shotstream_runtime.host.manifest import read_manifest
from tiny_model_folder import CHUNK, FIRST_CHUNK, HEIGHT, WIDTH

STORY = """\
title: A short one
global_caption: A fox in a red coat in the forest.
seed: 7
beats:
  - {text: "The fox walks.", chunks: 2}
  - {text: "The fox jumps.", mode: continue, chunks: 1}
  - {text: "Close-up of the fox.", chunks: 1}
"""
STORY_FRAMES = 2 * FIRST_CHUNK + 2 * CHUNK
# Never played to its end: a machine may be so busy that a whole long beat is over before it is stopped.
LONG_STORY = "global_caption: A fox in a red coat in the forest.\nbeats:\n" + 50 * (
    "  - {text: The fox walks., chunks: 200}\n"
)


not_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process")


@pytest.fixture
def long_story(tmp_path: Path) -> Path:
    path = tmp_path / "long.yaml"
    path.write_text(LONG_STORY, encoding="utf-8")
    return path


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(STORY, encoding="utf-8")
    return path


def frames_of(movie: Path) -> int:
    with av.open(str(movie)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (WIDTH, HEIGHT, 16)
        return sum(1 for _ in container.decode(video=0))


def pictures_in(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def test_demo_leaves_movie_contact_sheet_and_manifest(
    shotstream: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    outcome = shotstream("demo", "--model", tiny_folder, cwd=tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    manifest = read_manifest(tmp_path / "demo" / "manifest.json")
    assert manifest.complete
    assert len(manifest.shots) == 5
    assert [beat.outcome for beat in manifest.beats] == ["completed"] * 6
    assert manifest.beats[4].mode == "continue"
    assert manifest.beats[4].shot == manifest.beats[3].shot
    assert manifest.model.weights_hash
    assert manifest.notices == []
    assert frames_of(tmp_path / "demo" / "movie.mp4") == manifest.frames
    assert Image.open(tmp_path / "demo" / "contact_sheet.png").width > 1000
    for number in range(1, 6):
        assert f"shot {number}: completed, " in outcome.out
    assert "frames, first after" in outcome.out
    assert " fps: " in outcome.out
    assert "Server at tcp://127.0.0.1:" in outcome.out


def test_ctrl_c_before_the_first_frame_of_a_demo_leaves_nothing(
    in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shotstream_runtime.cli import model_loading

    def press_ctrl_c(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_loading, "load", press_ctrl_c)
    outcome = in_process("demo", "-o", tmp_path / "new" / "demo")
    assert (outcome.code, outcome.err) == (130, "Stopped.\n")
    assert list(tmp_path.iterdir()) == []


@not_on_windows
def test_ctrl_c_in_a_demo_leaves_the_part_that_there_is(
    start: Any, tiny_folder: Path, tmp_path: Path, long_story: Path
) -> None:
    take = tmp_path / "demo"
    demo = start("demo", "--story", long_story, "--model", tiny_folder, "-o", take)
    wait_for(take / ".movie.mp4.part")
    demo.process.send_signal(signal.SIGINT)
    outcome = demo.end()
    assert (outcome.code, outcome.err) == (130, "Stopped.\n")
    assert sorted(path.name for path in take.iterdir()) == ["contact_sheet.png", "manifest.json", "movie.mp4"]
    manifest = read_manifest(take / "manifest.json")
    assert not manifest.complete
    assert manifest.beats[-1].outcome == "interrupted"
    assert sum(beat.frames for beat in manifest.beats) == manifest.frames
    assert frames_of(take / "movie.mp4") == manifest.frames > 0


@pytest.fixture(scope="module")
def server(tiny_folder: Path) -> Iterator[Running]:
    """A server in a process of its own, for the tests up to that of its death."""
    running = begin("serve", "--address", "tcp://127.0.0.1:0", "--model", tiny_folder)
    yield running
    if running.process.poll() is None:
        running.process.kill()
    running.process.communicate()


@pytest.fixture(scope="module")
def address(server: Running) -> str:
    """Where it listens."""
    return server.line_with("Serving tiny (32x16 at 16 fps) at ").split()[-1]


def test_render_without_sockets_equals_play_through_them(
    shotstream: Any, address: str, tiny_folder: Path, tmp_path: Path, story: Path
) -> None:
    # A process of its own: how the arithmetic's threads treat denormal numbers is settled when they start.
    rendered = shotstream("render", story, "-o", tmp_path / "rendered", "--png", "--model", tiny_folder)
    assert (rendered.code, rendered.err) == (0, "")
    played = shotstream("play", story, "-o", tmp_path / "played", "--png", "--address", address)
    assert (played.code, played.err) == (0, "")
    expected = pictures_in(tmp_path / "rendered" / "frames")
    assert expected.shape == (STORY_FRAMES, HEIGHT, WIDTH, 3)
    assert np.array_equal(pictures_in(tmp_path / "played" / "frames"), expected)
    first, second = (read_manifest(tmp_path / name / "manifest.json") for name in ("rendered", "played"))
    assert first.model == second.model
    assert first.model.weights_hash


def test_play_with_another_seed_to_a_named_movie(
    in_process: Any, address: str, tmp_path: Path, story: Path
) -> None:
    outcome = in_process("play", story, "-o", tmp_path / "other.mp4", "--seed", "8", "--address", address)
    assert (outcome.code, outcome.err) == (0, "")
    assert read_manifest(tmp_path / "other.manifest.json").seed == 8
    assert frames_of(tmp_path / "other.mp4") == STORY_FRAMES


def test_play_live(in_process: Any, address: str, tmp_path: Path, story: Path) -> None:
    outcome = in_process("play", story, "-o", tmp_path / "live", "--live", "--address", address)
    assert (outcome.code, outcome.err) == (0, "")
    manifest = read_manifest(tmp_path / "live" / "manifest.json")
    assert manifest.complete
    # What is not recorded was skipped: nothing else is missing. The very last frames may be skipped unseen.
    assert manifest.frames > 0
    assert manifest.frames + manifest.skipped_frames <= STORY_FRAMES


def test_a_notice_reaches_the_terminal_and_the_manifest(
    in_process: Any, address: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.json"
    path.write_text('{"global_caption": "A volcano.", "shot1": "It explodes."}', encoding="utf-8")
    outcome = in_process("play", path, "-o", tmp_path / "take", "--address", address)
    assert (outcome.code, outcome.err) == (0, "")
    assert "note: " in outcome.out
    assert "volcano" in outcome.out
    notices = read_manifest(tmp_path / "take" / "manifest.json").notices
    assert any("volcano" in notice.text for notice in notices)
    assert {notice.beat for notice in notices} == {"beat-1"}


@not_on_windows
def test_ctrl_c_keeps_what_was_played(start: Any, address: str, tmp_path: Path, long_story: Path) -> None:
    player = start("play", long_story, "-o", tmp_path / "stopped", "--address", address)
    wait_for(tmp_path / "stopped" / ".movie.mp4.part")
    player.process.send_signal(signal.SIGINT)
    outcome = player.end()
    assert (outcome.code, outcome.err) == (130, "Stopped.\n")
    assert "(not complete)" in outcome.out
    manifest = read_manifest(tmp_path / "stopped" / "manifest.json")
    assert not manifest.complete
    assert frames_of(tmp_path / "stopped" / "movie.mp4") == manifest.frames > 0


@not_on_windows
def test_serve_ends_by_ctrl_c_and_tells_its_clients(
    in_process: Any, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shotstream_runtime.host.serving import Server

    heard: list[ClientEvent] = []
    addresses: queue.SimpleQueue[str] = queue.SimpleQueue()
    enter = Server.__enter__

    def enter_and_tell(server: Server) -> Server:
        enter(server)
        addresses.put(server.address)
        return server

    monkeypatch.setattr(Server, "__enter__", enter_and_tell)

    def press_ctrl_c() -> None:
        with Client.connect(addresses.get(timeout=PATIENCE_S), PATIENCE_S) as client:
            client.wait_until_ready(PATIENCE_S)
            story = client.open_story(global_caption="A fox.")
            story.subscribe()
            story.submit_beat(BeatScript(id="a", text="The fox walks.", chunks=200), wait=5)
            os.kill(os.getpid(), signal.SIGINT)
            heard.extend(client.events())

    client = threading.Thread(target=press_ctrl_c)
    client.start()
    outcome = in_process("serve", "--address", "tcp://127.0.0.1:0", "--model", tiny_folder)
    client.join(PATIENCE_S)
    assert outcome.code == 0
    # The log is there; nothing in it is wrong.
    assert not [line for line in outcome.err.splitlines() if " INFO " not in line]
    assert outcome.out.splitlines()[-2:] == ["Finishing the running chunk ...", "Stopped."]
    (closed,) = (event for event in heard if isinstance(event, StoryClosed))
    assert closed.end is StoryEnd.SERVER_STOPPING
    assert isinstance(heard[-1], ConnectionLost)


@not_on_windows
def test_a_server_that_dies_is_told_and_what_came_is_kept(
    start: Any, server: Running, address: str, tmp_path: Path, long_story: Path
) -> None:
    player = start("play", long_story, "-o", tmp_path / "lost", "--address", address, "--reconnect", "2")
    wait_for(tmp_path / "lost" / ".movie.mp4.part")
    server.process.kill()
    outcome = player.end()
    assert outcome.code == 1
    movie = tmp_path / "lost" / "movie.mp4"
    manifest = read_manifest(tmp_path / "lost" / "manifest.json")
    over = sum(beat.outcome == "completed" for beat in manifest.beats)
    assert outcome.error_line() == (
        f"the server is gone (the server closed the connection, or died); {over} of 50 beats were over, "
        f"and the {frames_of(movie)} frames so far are kept in {movie}"
    )
    assert not manifest.complete
    assert "connection_interrupted" in {notice.code for notice in manifest.notices}


@not_on_windows
@pytest.mark.parametrize("moment", ["while a frame is written", "while the take is finished"])
def test_ctrl_c_at_a_bad_moment_leaves_a_whole_take(
    in_process: Any,
    tiny_folder: Path,
    story: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """Between the encoder and the file a frame would be lost, and between two files their agreement."""
    from shotstream_runtime.host.movie import MovieSink
    from shotstream_runtime.host.take import TakeRecorder

    write, draw_sheet = MovieSink.write, TakeRecorder._write_contact_sheet

    def write_and_press(sink: MovieSink, pixels: np.ndarray, index: int) -> None:
        write(sink, pixels, index)
        if index == FIRST_CHUNK + 2:
            os.kill(os.getpid(), signal.SIGINT)

    def press_and_draw(recorder: TakeRecorder) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        draw_sheet(recorder)

    whole = moment == "while the take is finished"
    if whole:
        monkeypatch.setattr(TakeRecorder, "_write_contact_sheet", press_and_draw)
    else:
        monkeypatch.setattr(MovieSink, "write", write_and_press)
    outcome = in_process("render", story, "-o", tmp_path / "out", "--model", tiny_folder)
    assert (outcome.code, outcome.err) == (130, "Stopped.\n")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["contact_sheet.png", "manifest.json", "movie.mp4"]
    manifest = read_manifest(tmp_path / "out" / "manifest.json")
    assert manifest.complete == whole
    assert manifest.frames == (STORY_FRAMES if whole else FIRST_CHUNK + 3)
    assert frames_of(tmp_path / "out" / "movie.mp4") == manifest.frames


@not_on_windows
@pytest.mark.slow
def test_ctrl_c_while_rendering_keeps_the_frames_so_far(
    start: Any, tiny_folder: Path, tmp_path: Path, long_story: Path
) -> None:
    render = start("render", long_story, "-o", tmp_path / "out", "--model", tiny_folder)
    wait_for(tmp_path / "out" / ".movie.mp4.part")
    render.process.send_signal(signal.SIGINT)
    outcome = render.end()
    assert (outcome.code, outcome.err) == (130, "Stopped.\n")
    assert not read_manifest(tmp_path / "out" / "manifest.json").complete
