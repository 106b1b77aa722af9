# SPDX-License-Identifier: Apache-2.0
"""`shotstream serve` and `play` while the model is still being loaded."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_process import COMMAND, PATIENCE_S, environment
from shotstream_bridge.client import Client
from shotstream_bridge.errors import RequestFailedError, RequestTimeoutError
from shotstream_runtime.cli import model_loading
from shotstream_runtime.cli.joining import join
from shotstream_runtime.host.front_desk import FrontDesk
from shotstream_runtime.host.manifest import read_manifest
from shotstream_runtime.host.model_facts import ModelFacts
from shotstream_runtime.host.serving import Server

STORY = "global_caption: A fox in a red coat.\nbeats:\n  - {text: The fox walks., chunks: 1}\n"

not_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to the test's own process")


def test_a_port_in_use_is_told_before_the_model_is_loaded(
    in_process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*arguments: Any) -> None:
        raise AssertionError("the model is loaded although the port is in use")

    monkeypatch.setattr(model_loading, "load", load)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = in_process("serve", "--address", f"tcp://127.0.0.1:{port}")
    assert outcome.code == 1
    assert outcome.error_line().startswith(f"port {port} is in use")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_may_have_more_open_files_than_a_shell_lets_it(tiny_folder: Path) -> None:
    # Otherwise a crowd of connections takes the descriptors that journals need.
    command = " ".join([*COMMAND, "serve", "--bind", "tcp://127.0.0.1:0", "--model", str(tiny_folder)])
    few = f"ulimit -Sn 200 && ulimit -Hn 3000 && exec {command}"
    with subprocess.Popen(["sh", "-c", few], stdout=subprocess.PIPE, text=True, env=environment()) as server:
        try:
            assert server.stdout is not None
            assert any("Listening at" in line for line in server.stdout)
            limits = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
        finally:
            server.kill()
    (line,) = [line for line in limits if line.startswith("Max open files")]
    assert line.split()[3:5] == ["3000", "3000"]


@pytest.fixture
def held_loading(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event, list[str]]:
    """Loading waits: gives events for its begin and for letting it go on, and the server's address."""
    begun, go_on, addresses = threading.Event(), threading.Event(), list[str]()
    load, enter = model_loading.load, Server.__enter__

    def load_when_told(model: str, settings: Any, report: Callable[[str], None] = lambda _: None) -> Any:
        report("reading a very large file")
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return load(model, settings, report)

    def enter_and_tell(server: Server) -> Server:
        enter(server)
        addresses.append(server.address)
        return server

    monkeypatch.setattr(model_loading, "load", load_when_told)
    monkeypatch.setattr(Server, "__enter__", enter_and_tell)
    return begun, go_on, addresses


@not_on_windows
def test_who_comes_early_is_told_waits_and_plays(
    in_process: Any,
    start: Any,
    held_loading: Any,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on, addresses = held_loading
    story = tmp_path / "story.yaml"
    story.write_text(STORY, encoding="utf-8")
    seen: list[Any] = []
    greeted = threading.Semaphore(0)
    server_info = FrontDesk.server_info

    def server_info_and_count(desk: FrontDesk) -> Any:
        greeted.release()
        return server_info(desk)

    monkeypatch.setattr(FrontDesk, "server_info", server_info_and_count)

    def come_early() -> None:
        try:
            assert begun.wait(PATIENCE_S)
            with Client.connect(addresses[0], PATIENCE_S) as client:
                seen.append((client.server.state.value, client.server.detail))
                try:
                    client.open_story(global_caption="A fox.")
                except RequestFailedError as error:
                    seen.append((error.code, error.retryable))
            player = start("play", story, "-o", tmp_path / "take", "--address", addresses[0])
            assert greeted.acquire(timeout=PATIENCE_S)  # the client above
            assert greeted.acquire(timeout=PATIENCE_S)  # the player
            go_on.set()
            seen.append(player.end())
        finally:
            go_on.set()
            os.kill(os.getpid(), signal.SIGINT)

    client = threading.Thread(target=come_early)
    client.start()
    outcome = in_process("serve", "--address", "tcp://127.0.0.1:0", "--model", tiny_folder)
    client.join(PATIENCE_S)
    assert outcome.code == 0
    assert all(" INFO " in line for line in outcome.err.splitlines()), outcome.err
    assert outcome.out.splitlines()[0] == f"Listening at {addresses[0]}; loading {tiny_folder} ..."
    assert seen[:2] == [("loading", "reading a very large file"), ("not_ready", True)]
    assert (seen[2].code, seen[2].err) == (0, "")
    manifest = read_manifest(tmp_path / "take" / "manifest.json")
    assert manifest.complete
    # It joined before the weights were known, and yet the take knows them.
    assert manifest.model.weights_hash


def test_a_server_that_never_gets_ready_is_given_up_with_what_it_was_doing(tiny_folder: Path) -> None:
    with Server(ModelFacts.read(tiny_folder), "tcp://127.0.0.1:0") as server:
        server.loading("reading the student")
        with pytest.raises(RequestTimeoutError, match=r"not ready after 0\.7 s \(reading the student\)"):
            join(server.address, connect_s=5, ready_s=0.7, reconnect_s=1)


@not_on_windows
def test_ctrl_c_while_the_model_is_loaded(
    in_process: Any, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(model_loading, "load", load)
    outcome = in_process("serve", "--address", "tcp://127.0.0.1:0", "--model", tiny_folder)
    assert (outcome.code, outcome.err) == (130, "Stopped.\n")
