# SPDX-License-Identifier: Apache-2.0
"""Servers that are not there, die, want keys or another version: a message, no waiting, nothing lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import msgpack
import pytest
import zmq
from blender_side import Hand, module
from shotstream_bridge.allow_list import allow
from shotstream_bridge.keys import PublicKey, create_key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(hand: Hand, address: str, words: str, patience_s: float = 15.0) -> str:
    """Connects and waits for a message; no call of the timer may take long meanwhile."""
    module("preferences").get().address = address
    hand.live.times.clear()
    bpy.ops.shotstream.connect()
    hand.until(lambda: words in hand.studio.connection.message, patience_s)
    assert max(hand.live.times, default=0.0) < 0.5
    return hand.studio.connection.message


def test_no_server(hand: Hand) -> None:
    port = free_port()
    message = connect(hand, f"tcp://127.0.0.1:{port}", "No server answers")
    # The button that starts one stands below.
    assert "start it, or check the address" in message
    # It is tried again, and found once it is there.
    assert hand.studio.connection.wanted


def test_what_listens_is_no_server(hand: Hand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connect(hand, f"tcp://127.0.0.1:{listener.getsockname()[1]}", "127.0.0.1")
    assert not hand.studio.connection.online


@pytest.mark.parametrize("address", ["127.0.0.1:5555", "tcp://", "", "http://localhost:80"])
def test_an_address_that_is_none(hand: Hand, address: str) -> None:
    message = connect(hand, address, "")
    hand.until(lambda: hand.studio.connection.message)
    message = hand.studio.connection.message
    assert "tcp://HOST:PORT" in message
    assert not hand.studio.connection.wanted


def test_another_host_is_left_alone_while_blender_may_not_go_online(hand: Hand) -> None:
    assert not bpy.app.online_access
    message = connect(hand, "tcp://192.0.2.1:5555", "may not go online")
    assert "Preferences" in message


def test_a_server_of_another_version(hand: Hand) -> None:
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    try:
        port = router.bind_to_random_port("tcp://127.0.0.1")
        module("preferences").get().address = f"tcp://127.0.0.1:{port}"
        bpy.ops.shotstream.connect()
        hand.until(lambda: router.poll(10))
        identity, hello = router.recv_multipart()
        ours = msgpack.unpackb(hello)["versions"]
        refusal = {
            "type": "refused",
            "code": "version_unsupported",
            "reason": "no protocol version in common",
            "retryable": False,
            "server_versions": [9],
            "client_versions": ours,
        }
        router.send_multipart([identity, msgpack.packb(refusal)])
        hand.until(lambda: hand.studio.connection.message)
        assert "version 9, this extension 1" in hand.studio.connection.message
        assert not hand.studio.connection.wanted
    finally:
        router.close(0)
        context.term()


@pytest.fixture
def keyed_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server with keys that lets in the artist; gives its address and the folder of the keys."""
    keys = tmp_path / "keys"
    for name in ("server", "artist", "stranger", "other"):
        create_key(name, keys)
    allow(keys / "allowed-clients", PublicKey.read(keys / "artist.pub"))
    log_path = tmp_path / "server.log"
    command = [os.environ["SHOTSTREAM_COMMAND"], "serve", "--address", "tcp://127.0.0.1:0"]
    with log_path.open("wb") as log:
        process = subprocess.Popen([*command, "--keys", keys / "server.key"], stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while "Serving" not in (text := log_path.read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
    yield text.split("Listening at ")[1].split(";")[0], keys
    process.terminate()
    process.wait(20)


def test_keys(hand: Hand, keyed_server: tuple[str, Path]) -> None:
    address, keys = keyed_server
    chosen = module("preferences").get()
    connect(hand, address, "demands keys")
    chosen.client_key = str(keys / "artist.key")
    connect(hand, address, "Server's Key")
    chosen.server_key = str(keys / "other.pub")
    connect(hand, address, "does not have the key", 30)
    chosen.client_key, chosen.server_key = str(keys / "stranger.key"), str(keys / "server.pub")
    connect(hand, address, "does not allow this client's key", 30)
    # None of these helps by waiting.
    assert not hand.studio.connection.wanted
    chosen.client_key = str(keys / "artist.key")
    bpy.ops.shotstream.connect()
    hand.until(lambda: hand.studio.connection.ready)
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    assert hand.states == ["done"]


def test_a_key_file_that_is_missing(hand: Hand, tmp_path: Path) -> None:
    chosen = module("preferences").get()
    chosen.client_key, chosen.server_key = str(tmp_path / "nobody.key"), "rubbish"
    connect(hand, chosen.address, "nobody.key")


def test_a_request_that_cannot_be_carried_out_is_not_left_waiting(hand: Hand) -> None:
    module("preferences").get().address = "nonsense"
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.")
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.states == ["failed", "failed"], 10)
    assert "tcp://HOST:PORT" in hand.story.beats[0].reason
    # With the address mended it is carried out.
    module("preferences").get().address = os.environ["SHOTSTREAM_SERVER"]
    bpy.ops.shotstream.generate_all()
    hand.until_done()
    assert hand.states == ["done", "done"]


def start_server(hand: Hand) -> int:
    """Starts a server as the button does, at a port of its own; returns that."""
    port = free_port()
    module("preferences").get().address = f"tcp://127.0.0.1:{port}"
    assert bpy.ops.shotstream.server_start() == {"FINISHED"}
    hand.until(lambda: hand.studio.connection.ready)
    return port


def processes(pattern: str) -> list[int]:
    """Processes whose command line matches."""
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def pids_of(port: int) -> list[int]:
    """Processes that serve at a port."""
    return processes(f"serve --address tcp://127.0.0.1:{port}")


def worker_of(port: int) -> int:
    """The server itself, not the process that looks after it."""
    for pid in pids_of(port):
        if "supervise.py" not in Path(f"/proc/{pid}/cmdline").read_text():
            return pid
    raise AssertionError(f"nothing serves at {port}")


def test_no_command_to_start_a_server_with(hand: Hand) -> None:
    module("preferences").get().server_command = "/nowhere/shotstream"
    with pytest.raises(RuntimeError, match="not found"):
        bpy.ops.shotstream.server_start()


def test_a_port_in_use_is_told(hand: Hand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        module("preferences").get().address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        bpy.ops.shotstream.server_start()
        hand.until(lambda: hand.studio.server.phase.value == "died")
    port = module("preferences").get().address.rpartition(":")[2]
    assert hand.studio.server.message.startswith(f"Port {port} is in use by another program: choose another")
    assert ":0" not in hand.studio.server.message
    module("preferences").get().address = "tcp://127.0.0.1:0"
    with pytest.raises(RuntimeError, match="leaves the port to chance"):
        bpy.ops.shotstream.server_start()
    assert not hand.studio.server.alive


def test_a_server_that_is_there_already_is_used(hand: Hand) -> None:
    bpy.ops.shotstream.server_start()
    hand.until(lambda: hand.studio.connection.ready and not hand.studio.server.alive)
    hand.for_seconds(0.2)
    assert hand.studio.server.phase.value == "off"
    assert "connected to that" in hand.studio.server.message


def test_a_local_server_killed_in_the_middle_of_a_shot_started_again_and_stopped(
    hand: Hand, monkeypatch
) -> None:
    drawn: list[str] = []
    words = module("ui.places").connection_words
    monkeypatch.setattr(module("live_picture"), "redraw", lambda: drawn.append(words()[0]))
    port = start_server(hand)
    assert hand.studio.server.phase.value == "running"
    # What was drawn last is how things stand.
    assert drawn[-1] == words()[0] == "mini, 128 x 80 at 16 fps"
    monkeypatch.undo()
    hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=6)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 20)
    worker = worker_of(port)
    os.kill(worker, signal.SIGKILL)
    hand.live.times.clear()
    hand.until(lambda: hand.studio.server.phase.value == "died", 20)
    hand.for_seconds(1.0)
    assert max(hand.live.times) < 0.5
    assert "it goes on when the server is back" in hand.studio.connection.message
    assert hand.studio.server.message == "The server on this machine ended: it was killed (SIGKILL)"
    kept = hand.story.beats[0].frames
    assert kept > 20
    assert hand.states == ["generating", "queued"]
    bpy.ops.shotstream.server_start()
    hand.until_done()
    assert hand.states == ["done", "done"]
    assert [(item.shot, item.first_frame, item.frames) for item in hand.story.beats] == [
        (0, 0, 69),
        (1, 69, 69),
    ]
    frames = Path(hand.story.beats[0].take) / "frames"
    assert sorted(path.name for path in frames.iterdir()) == [f"{n:06d}.png" for n in range(138)]
    assert bpy.ops.shotstream.server_stop() == {"FINISHED"}
    # Who is in a hurry waits for it to leave: nothing is asked of a server that stops, and its port is free
    # for the next one.
    bpy.ops.shotstream.connect()
    hand.for_seconds(0.1)
    assert words()[0] == "The server is stopping ..."
    bpy.ops.shotstream.server_start()
    hand.until(lambda: hand.studio.connection.message or hand.studio.connection.ready)
    hand.until(lambda: hand.studio.connection.ready)
    assert hand.studio.server.alive
    assert bpy.ops.shotstream.server_stop() == {"FINISHED"}
    hand.until(lambda: not pids_of(port), 20)
    assert hand.studio.server.phase.value == "off"


def serve(port: int, log_path: Path) -> subprocess.Popen:
    """A server without a journal, in a process group of its own."""
    words = [os.environ["SHOTSTREAM_COMMAND"], "serve", "--address", f"tcp://127.0.0.1:{port}"]
    with log_path.open("wb") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)


def test_a_server_without_a_journal_makes_what_it_forgot_again(hand: Hand, tmp_path: Path) -> None:
    port = free_port()
    server = serve(port, tmp_path / "first.log")
    try:
        module("preferences").get().address = f"tcp://127.0.0.1:{port}"
        hand.write("Wide shot: the fox walks.", "Close shot: the fox stands.", chunks=3)
        bpy.ops.shotstream.generate_all()
        hand.until(lambda: hand.story.beats[1].frames > 9)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)
        hand.until(lambda: "it goes on when the server is back" in hand.studio.connection.message)
        server = serve(port, tmp_path / "second.log")
        hand.until_done()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
    assert hand.states == ["done", "done"]
    assert [(item.shot, item.first_frame, item.frames) for item in hand.story.beats] == [
        (0, 0, 33),
        (1, 33, 33),
    ]
    frames = Path(hand.story.beats[0].take) / "frames"
    assert sorted(path.name for path in frames.iterdir()) == [f"{n:06d}.png" for n in range(66)]


def test_the_server_goes_with_a_blender_that_is_killed(tmp_path: Path) -> None:
    # A process in Blender's place, which starts a child as Blender starts the server, and is killed.
    mark = f"30.{os.getpid()}"
    blender = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE)\n"
        "time.sleep(30)\n"
    )
    words = [str(module("local_server").SUPERVISOR), "2", "sleep", mark]
    parent = subprocess.Popen([sys.executable, "-c", blender, *words])
    deadline = time.monotonic() + 20
    while not (running := processes(f"^sleep {mark}")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.kill()
    parent.wait(10)
    while running and time.monotonic() < deadline:
        running = processes(f"^sleep {mark}")
        time.sleep(0.05)
    assert not running


def test_a_full_disk_stops_and_says_so(hand: Hand, takes: Path) -> None:
    takes.parent.mkdir(parents=True, exist_ok=True)
    takes.write_text("a file where the folder should be")
    hand.write("Wide shot: the fox walks.")
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.studio.message)
    assert "cannot be written (" in hand.studio.message
    assert "Errno" not in hand.studio.message
    assert str(takes) in hand.studio.message
    takes.unlink()


def test_leaving_takes_no_time(hand: Hand) -> None:
    hand.write("Wide shot: the fox walks.", chunks=20)
    bpy.ops.shotstream.generate_all()
    hand.until(lambda: hand.story.beats[0].frames > 4)
    start = time.perf_counter()
    bpy.ops.shotstream.disconnect()
    assert time.perf_counter() - start < 0.5
    hand.until(lambda: not hand.studio.busy)
    item = hand.story.beats[0]
    assert item.frames
