# SPDX-License-Identifier: Apache-2.0
"""The C++ client over libzmq: servers with keys."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from core_programs import MiniServer, Player, Programs, built
from shotstream_bridge import ClientSecurity, ServerEndpoint, ServerSecurity
from shotstream_bridge.allow_list import allow, revoke
from shotstream_bridge.keys import PublicKey, create_key
from steady_service import SteadyService
from story_pictures import pictures, seen_by_python

pytestmark = pytest.mark.unreal

CAPTION = "A fox in a red coat in the forest."
AT_ONCE_S = 8.0
"""Well below how long a connection is tried (`--patience`): what takes less was noticed, not waited for."""


@dataclass(frozen=True)
class Keys:
    """Files as `shotstream keys` makes them: the server, a client on its list, and a stranger."""

    folder: Path

    def client(self, name: str = "alice", server: str = "server") -> tuple[object, ...]:
        """The options of a client."""
        return (
            *("--server-key", self.folder / f"{server}.pub"),
            *("--client-key", self.folder / f"{name}.key"),
        )

    def server(self) -> ServerSecurity:
        """What a server reads."""
        return ServerSecurity.read(self.folder / "server.key")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    folder = tmp_path / "keys"
    for name in ("server", "alice", "eve"):
        create_key(name, folder)
    allow(folder / "allowed-clients", PublicKey.read(folder / "alice.pub"))
    return Keys(folder)


@pytest.fixture
def secured(keys: Keys) -> Iterator[ServerEndpoint]:
    with ServerEndpoint(SteadyService(16, 8), "tcp://127.0.0.1:0", security=keys.server()) as endpoint:
        yield endpoint


def ended(player: Player, code: int) -> str:
    """Waits for the end, which comes soon; returns why the connection was lost."""
    began = time.monotonic()
    player.end(code)
    assert time.monotonic() - began < AT_ONCE_S
    return str(player.of("lost")[0]["reason"])


def test_a_story_over_an_orderly_stop_of_its_server_is_whole(
    programs: Programs, keys: Keys, tmp_path: Path
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    options = ("--journal", tmp_path / "journal", "--keys", keys.folder / "server.key")
    with MiniServer(tmp_path, *options) as server:
        player = programs.start(
            server.address,
            *keys.client(),
            *("--story", "kept", "--caption", CAPTION, "--seed", 3, "--print-frames", "--patience", 60),
            *("--chunks", 3, "--policy", "queue", "--cut", "walks=the fox walks"),
            *("--cut", "jumps=the fox jumps", "--frames", frames),
        )
        player.wait_for(lambda line: line["event"] == "frame" and line["index"] == 12)
        server.stop()
        player.wait_for(lambda line: line["event"] == "interrupted")
        server.start()
        player.wait_for(lambda line: line["event"] == "resumed")
        player.end()
        total = 2 * (9 + 24)
        assert [line["index"] for line in player.of("frame")] == list(range(total))
        assert not player.of("frames_missed")
        assert [line["end"] for line in player.of("story_closed")] == ["drained"]
        stages = ["accepted", "scheduled", "first_frame", "done"]
        assert [player.stages(beat) for beat in ("walks", "jumps")] == [stages] * 2
        security = ClientSecurity.read(keys.folder / "alice.key", str(keys.folder / "server.pub"))
        np.testing.assert_array_equal(pictures(frames), seen_by_python(server.address, "kept", security))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("eve", "server"), 3, "does not allow this client's key (client_key)"),
        (("alice", "eve"), 3, "does not have the key that this client expects (server_key)"),
        ((), 3, "the server demands keys"),
    ],
    ids=["unknown key", "wrong server key", "no key"],
)
def test_others_are_told_why_and_soon(
    programs: Programs, keys: Keys, secured: ServerEndpoint, options: tuple[str, ...], code: int, words: str
) -> None:
    given = keys.client(*options) if options else ()
    player = programs.start(secured.address, *given, "--story", "s", "--watch", "--patience", 30)
    assert words in ended(player, code)


def test_keys_for_a_server_that_has_none(programs: Programs, keys: Keys) -> None:
    with ServerEndpoint(SteadyService(16, 8), "tcp://127.0.0.1:0") as endpoint:
        player = programs.start(endpoint.address, *keys.client(), "--story", "s", "--watch", "--patience", 30)
        assert "the server has no keys" in ended(player, 3)


def test_the_key_itself_is_taken_as_well(programs: Programs, keys: Keys, secured: ServerEndpoint) -> None:
    text = PublicKey.read(keys.folder / "server.pub").key.decode()
    player = programs.start(
        secured.address, "--server-key", text, "--client-key", keys.folder / "alice.key", "--status"
    )
    player.end()
    assert player.of("status")[0]["state"] == "ready"


def test_a_key_that_is_revoked_ends_it(programs: Programs, keys: Keys, secured: ServerEndpoint) -> None:
    player = programs.start(
        secured.address, *keys.client(), "--story", "s", "--cut", "b=go", "--keep-open", "--reconnect", 30
    )
    player.wait_for(lambda line: line["event"] == "subscribed")
    revoke(keys.folder / "allowed-clients", "alice")
    assert "no longer allowed" in ended(player, 3)


@pytest.mark.parametrize(
    "dead", [pytest.param(True, id="killed"), pytest.param(False, id="stopped", marks=pytest.mark.slow)]
)
def test_the_end_is_bounded_when_the_server_does_not_answer(
    programs: Programs, keys: Keys, tmp_path: Path, dead: bool
) -> None:
    """Nothing that was sent and not taken holds the program up."""
    with MiniServer(tmp_path, "--keys", keys.folder / "server.key") as server:
        player = programs.start(
            server.address,
            *keys.client(),
            *("--story", "s", "--cut", "b=the fox walks", "--keep-open", "--patience", 60, "--reconnect", 2),
            *(() if dead else ("--timeout", 3)),
        )
        player.wait_for(lambda line: line["event"] == "subscribed")
        if dead:
            server.kill()
            assert "no server answers" in ended(player, 3)
            server.start()
        else:
            os.kill(server.pid, signal.SIGSTOP)
            began = time.monotonic()
            player.end(3)
            assert time.monotonic() - began < 3 + 2 + AT_ONCE_S
            os.kill(server.pid, signal.SIGCONT)


def test_wrong_key_options_are_refused(programs: Programs, keys: Keys) -> None:
    open_to_others = keys.folder / "open.key"
    open_to_others.write_text((keys.folder / "alice.key").read_text())
    open_to_others.chmod(0o644)
    public, private = keys.folder / "server.pub", keys.folder / "alice.key"
    for given, told in (
        (["--server-key", public], "--client-key"),
        (["--client-key", private], "--server-key"),
        (["--server-key", "nowhere.pub", "--client-key", private], "cannot read the key nowhere.pub"),
        (["--server-key", public, "--client-key", keys.folder / "alice.pub"], "holds a public key only"),
        (["--server-key", public, "--client-key", open_to_others], "chmod 600"),
        (["--server-key", __file__, "--client-key", private], "is no key file"),
        (["--server-key", keys.folder, "--client-key", private], "is a folder"),
    ):
        assert told in programs.refused("--story", "s", "--watch", *given)


@pytest.mark.slow
def test_without_libzmq_keys_are_refused_in_words(pytestconfig: pytest.Config, keys: Keys) -> None:
    plain = built(pytestconfig, "", "-DSHOTSTREAM_WITH_LIBZMQ=OFF", "-DSHOTSTREAM_TESTS=ON", kind="plain")
    subprocess.run([plain.folder / "shotstream-core-tests"], check=True, capture_output=True, timeout=120)
    player = plain.start("127.0.0.1:1", *keys.client(), "--story", "s", "--watch")
    player.end(2)
    error = player.of("error")[0]
    assert (error["code"], error["field"]) == ("invalid_value", "server_key")
    assert "SHOTSTREAM_WITH_LIBZMQ" in error["reason"]
    libraries = subprocess.run(
        ["ldd", plain.folder / "shotstream-core-cli"], capture_output=True, text=True, check=True
    )
    assert "zmq" not in libraries.stdout
