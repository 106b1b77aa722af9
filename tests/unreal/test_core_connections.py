# SPDX-License-Identifier: Apache-2.0
"""The C++ client against what is no fitting server, and its own tests."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest
from core_programs import Programs
from shotstream_bridge import ServerEndpoint
from steady_service import SteadyService

pytestmark = pytest.mark.unreal


def test_unit_tests(programs: Programs) -> None:
    done = subprocess.run(
        [programs.folder / "shotstream-core-tests"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr


def test_a_server_of_another_version_is_told_apart(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shotstream_bridge.handshake.PROTOCOL_VERSIONS", (2, 3))
    with ServerEndpoint(SteadyService(16, 8), "tcp://127.0.0.1:0") as endpoint:
        player = programs.start(endpoint.address, "--story", "s", "--watch")
        player.end(1)
    lost = player.of("lost")[0]
    assert lost["code"] == "version_unsupported"
    assert "2, 3" in lost["reason"]


def test_nobody_listens(programs: Programs) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        player = programs.start(address, "--story", "s", "--watch", "--patience", 0.5)
        player.end(3)
    assert "refused" in player.of("lost")[0]["reason"].lower()
    assert address in player.of("lost")[0]["reason"]


@pytest.fixture
def web_server() -> Iterator[str]:
    """Answers everything as a web server does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(64)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


def test_something_else_listens(programs: Programs, web_server: str) -> None:
    player = programs.start(web_server, "--story", "s", "--watch")
    player.end(3)
    assert "does not speak ZeroMQ" in player.of("lost")[0]["reason"]


def test_wrong_options_are_refused(programs: Programs) -> None:
    for arguments, told in (
        (["--story", "s", "--cut", "no equals sign"], "no equals sign"),
        (["--story", "s"], "--cut ID=TEXT"),
        (["--mode", "every"], "--story"),
    ):
        assert told in programs.refused(*arguments)
