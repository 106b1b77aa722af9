# SPDX-License-Identifier: Apache-2.0
"""CURVE on live sockets: who is let in, what the others are told and how soon, and revoking."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from malformed_messages import mutated
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService, frame
from shotstream_bridge import (
    AddressError,
    AllowList,
    AuthenticationError,
    BridgeError,
    Client,
    ClientSecurity,
    ConnectError,
    ConnectionLost,
    HandshakeRefusedError,
    KeyPair,
    Quotas,
    ReceivedFrame,
    ServerEndpoint,
    ServerSecurity,
    gatekeeper,
)
from shotstream_bridge.allow_list import allow, revoke
from shotstream_bridge.counters import EndpointCounters
from shotstream_bridge.keys import PublicKey
from tcp_proxy import TcpProxy

SERVER, ALICE, BOB, EVE = (KeyPair.generate() for _ in range(4))
AT_ONCE_S = 3.0
"""Far below the timeouts that the tests give: what takes less was noticed, not waited for."""


@pytest.fixture
def allow_list(tmp_path: Path) -> Path:
    path = tmp_path / "allowed"
    allow(path, PublicKey("alice", ALICE.public))
    allow(path, PublicKey("bob", BOB.public))
    return path


@pytest.fixture
def secured(allow_list: Path) -> Iterator[ScriptedService]:
    with ScriptedService(security=ServerSecurity(SERVER, AllowList(allow_list))) as running:
        yield running


def keys(pair: KeyPair, server: KeyPair = SERVER) -> ClientSecurity:
    return ClientSecurity(pair, server.public)


def test_an_allowed_client_gets_frames(secured: ScriptedService) -> None:
    with Client.connect(secured.endpoint.address, security=keys(ALICE)) as client:
        client.open_story(global_caption="", story_id="s1").subscribe()
        secured.publish_frames("s1", 3)
        frames: list[ReceivedFrame] = []
        while len(frames) < 3:
            frames += [event for event in client.pump(PATIENCE_S) if isinstance(event, ReceivedFrame)]
        assert (frames[2].rgb() == frame("s1", 2).pixels).all()


@pytest.mark.parametrize(
    ("security", "words"),
    [
        (keys(EVE), r"does not allow this client's key.*shotstream keys allow NAME\.pub"),
        (keys(ALICE, EVE), "does not have the key that this client expects"),
        (None, "the server demands keys"),
    ],
    ids=["unknown key", "wrong server key", "no key"],
)
def test_others_are_told_why_and_at_once(
    secured: ScriptedService, security: ClientSecurity | None, words: str
) -> None:
    started = time.monotonic()
    with pytest.raises(AuthenticationError, match=words):
        Client.connect(secured.endpoint.address, 30.0, security=security)
    assert time.monotonic() - started < AT_ONCE_S
    assert secured.calls.empty()
    with Client.connect(secured.endpoint.address, security=keys(ALICE)) as client:
        assert client.connected


def test_keys_for_a_server_that_has_none(service: ScriptedService) -> None:
    started = time.monotonic()
    with pytest.raises(AuthenticationError, match="the server has no keys"):
        Client.connect(service.endpoint.address, 30.0, security=keys(ALICE))
    assert time.monotonic() - started < AT_ONCE_S


def test_pixels_and_texts_are_not_on_the_wire(secured: ScriptedService) -> None:
    """A proxy between client and server sees neither the caption nor the frame."""
    with TcpProxy(secured.endpoint.address) as proxy:
        with Client.connect(proxy.address, security=keys(ALICE)) as client:
            client.open_story(global_caption="a very secret caption", story_id="s1").subscribe()
            secured.publish_frames("s1", 1)
            assert client.pump(PATIENCE_S)
        seen = bytes(proxy.seen)
    assert len(seen) > 1000
    assert b"secret caption" not in seen
    assert frame("s1", 0).pixels.tobytes()[:64] not in seen


def test_a_replayed_handshake_gets_nothing(secured: ScriptedService) -> None:
    """The bytes of a good client, sent again on another connection, do not make a client."""
    with TcpProxy(secured.endpoint.address) as proxy:
        with Client.connect(proxy.address, security=keys(ALICE), client_id="recorded") as client:
            client.open_story(global_caption="", story_id="s1")
        assert secured.gone.get(timeout=PATIENCE_S) == "recorded"
        recorded = bytes(proxy.sent_by_client)
    while not secured.calls.empty():
        secured.calls.get()
    host, port = secured.endpoint.address.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as replay:
        replay.settimeout(PATIENCE_S)
        replay.sendall(recorded)
        answer = b""
        while more := _read(replay):
            answer += more
    # A greeting and WELCOME at most: INITIATE holds a cookie of the first connection.
    assert b"READY" not in answer
    assert secured.calls.empty()


def test_mutated_and_cut_handshakes_let_nobody_in(allow_list: Path) -> None:
    """Of a good client's bytes, some changed, some left out, some cut off: the server answers others on."""
    security = ServerSecurity(SERVER, AllowList(allow_list))
    with ScriptedService(security=security, quotas=Quotas(connections_per_s=10_000.0)) as secured:
        with TcpProxy(secured.endpoint.address) as proxy:
            with Client.connect(proxy.address, security=keys(ALICE), client_id="recorded") as client:
                client.open_story(global_caption="", story_id="s1")
            recorded = bytes(proxy.sent_by_client)
        while not secured.calls.empty():
            secured.calls.get()
        chance = random.Random(9)  # noqa: S311 - a test
        host, port = secured.endpoint.address.removeprefix("tcp://").split(":")
        answers = set()
        for number in range(300):
            data = recorded if number % 3 == 0 else mutated(chance, recorded)
            with socket.create_connection((host, int(port)), PATIENCE_S) as stranger:
                stranger.settimeout(0.02)
                answer = b""
                with contextlib.suppress(OSError):
                    stranger.sendall(data[: chance.randint(1, len(data))])
                    while more := stranger.recv(65_536):
                        answer += more
                answers.add(b"READY" in answer)
        assert answers == {False}
        assert secured.calls.empty()
        with Client.connect(secured.endpoint.address, security=keys(BOB)) as client:
            assert client.open_story(global_caption="", story_id="s2").opened is not None


def test_a_servers_handshake_sent_again_is_no_server(secured: ScriptedService) -> None:
    """To a client, too, only the holder of the key is the server: not one who has heard it once."""
    with TcpProxy(secured.endpoint.address) as proxy:
        with Client.connect(proxy.address, security=keys(ALICE)):
            pass
        recorded = bytes(proxy.sent_by_server)
    listening = socket.create_server(("127.0.0.1", 0))

    def replay() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                with near:
                    near.sendall(recorded)
                    near.settimeout(0.1)
                    while _read(near):
                        pass

    thread = threading.Thread(target=replay)
    thread.start()
    try:
        with pytest.raises(BridgeError, match=r"no connection to|left the handshake|ZeroMQ|no server"):
            Client.connect(f"tcp://127.0.0.1:{listening.getsockname()[1]}", 2.0, security=keys(ALICE))
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _read(peer: socket.socket) -> bytes:
    try:
        return peer.recv(65_536)
    except ConnectionResetError:
        return b""


def test_a_new_client_is_let_in_without_a_restart(secured: ScriptedService, allow_list: Path) -> None:
    with pytest.raises(AuthenticationError):
        Client.connect(secured.endpoint.address, 30.0, security=keys(EVE))
    allow(allow_list, PublicKey("eve", EVE.public))
    with Client.connect(secured.endpoint.address, security=keys(EVE)) as client:
        assert client.connected


def test_revoking_drops_a_live_client_and_closes_its_connection(
    secured: ScriptedService, allow_list: Path
) -> None:
    with (
        Client.connect(secured.endpoint.address, security=keys(ALICE), client_id="alice") as alice,
        Client.connect(secured.endpoint.address, security=keys(BOB), client_id="bob") as bob,
    ):
        alice.open_story(global_caption="", story_id="s1").subscribe()
        bob.story("s1").subscribe()
        started = time.monotonic()
        revoke(allow_list, "alice")
        events = list(alice.events(PATIENCE_S))
        assert time.monotonic() - started < AT_ONCE_S
        assert events == [ConnectionLost("this client's key is no longer allowed", by_server=True)]
        assert secured.gone.get(timeout=PATIENCE_S) == "alice"
        secured.publish_frames("s1", 1)
        assert any(isinstance(event, ReceivedFrame) for event in bob.pump(PATIENCE_S))
    with pytest.raises(AuthenticationError, match="does not allow this client's key"):
        Client.connect(secured.endpoint.address, 30.0, security=keys(ALICE))


def test_a_revoked_client_that_ignores_its_dismissal_is_cut_off(
    secured: ScriptedService, allow_list: Path
) -> None:
    """One that does not go is not waited for: its TCP connection ends, and its messages reach nobody."""
    with RawDealer(secured.endpoint.address, security=keys(ALICE)) as stubborn:
        assert stubborn.hello("stubborn")["type"] == "welcome"
        monitor = stubborn.socket.get_monitor_socket()
        revoke(allow_list, "alice")
        assert stubborn.hear_type("goodbye")["reason"] == "this client's key is no longer allowed"
        names = []
        while not names or names[-1] not in (512, 16_384):
            assert monitor.poll(PATIENCE_S * 1000), "the connection stands"
            names.append(int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder))
        stubborn.say(type="open_story", request=1, story_id="s9", global_caption="", seed=0)
        assert stubborn.is_quiet(0.5)
        stubborn.socket.disable_monitor()
        monitor.close()
    assert secured.calls.empty()


def test_strangers_who_knock_all_the_time_do_not_fill_the_log(
    allow_list: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatekeeper, "WARNINGS_S", 60.0)
    with zmq.Context() as context:
        counters = EndpointCounters()
        keeper = gatekeeper.Gatekeeper(context, AllowList(allow_list), 100.0, counters)
        assert [keeper.callback("", EVE.public) for _ in range(500)] == [False] * 500
        assert counters.keys_refused == 500
        monkeypatch.setattr(gatekeeper, "WARNINGS_S", 0.0)
        keeper.callback("", EVE.public)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith("was refused; 499 others were since the last such line")


def test_a_client_id_belongs_to_the_key_that_uses_it(secured: ScriptedService) -> None:
    address = secured.endpoint.address
    with Client.connect(address, security=keys(ALICE), client_id="film"):
        with pytest.raises(HandshakeRefusedError, match="film is in use with another key") as caught:
            Client.connect(address, security=keys(BOB), client_id="film")
        assert caught.value.code == "client_id_taken"
        with Client.connect(address, security=keys(ALICE), client_id="film") as again:
            again.open_story(global_caption="", story_id="s1")
    # Alice is gone, but her story is open.
    assert secured.gone.get(timeout=PATIENCE_S) == "film"
    with pytest.raises(HandshakeRefusedError, match="another key"):
        Client.connect(address, security=keys(BOB), client_id="film")
    secured.close("s1")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            Client.connect(address, security=keys(BOB), client_id="film").close()
            return
        except HandshakeRefusedError:
            time.sleep(0.02)
    raise AssertionError("the name never became free")


def test_clients_with_one_key_are_counted(allow_list: Path) -> None:
    security = ServerSecurity(SERVER, AllowList(allow_list))
    with (
        ScriptedService(security=security, quotas=Quotas(clients_per_key=1)) as service,
        Client.connect(service.endpoint.address, security=keys(ALICE)),
    ):
        with pytest.raises(HandshakeRefusedError, match="clients_per_key is 1") as caught:
            Client.connect(service.endpoint.address, security=keys(ALICE))
        assert caught.value.retryable
        Client.connect(service.endpoint.address, security=keys(BOB)).close()


def test_handshakes_are_counted_for_each_address(allow_list: Path) -> None:
    security = ServerSecurity(SERVER, AllowList(allow_list))
    # Two at once, and then one every two seconds.
    with ScriptedService(security=security, quotas=Quotas(connections_per_s=0.5)) as service:
        address = service.endpoint.address
        for _ in range(2):
            with pytest.raises(AuthenticationError):
                Client.connect(address, 30.0, security=keys(EVE))
        # Too many: no answer at all, not even a refusal.
        with pytest.raises(ConnectError) as caught:
            Client.connect(address, 0.1, security=keys(EVE))
        assert not isinstance(caught.value, AuthenticationError)
        # Patience helps: the rate is a rate, not a sentence.
        with Client.connect(address, 30.0, security=keys(ALICE)) as client:
            assert client.connected


def test_silence_over_the_rate_is_no_word_about_the_key(allow_list: Path) -> None:
    security = ServerSecurity(SERVER, AllowList(allow_list))
    with ScriptedService(security=security, quotas=Quotas(connections_per_s=0.01)) as service:
        # Long enough for several attempts, each left unanswered.
        with pytest.raises(ConnectError, match="connections_per_s") as caught:
            Client.connect(service.endpoint.address, 6.5, security=keys(ALICE))
        assert not isinstance(caught.value, AuthenticationError)


def test_beyond_loopback_only_with_keys(allow_list: Path) -> None:
    security = ServerSecurity(SERVER, AllowList(allow_list))
    service = ScriptedService()
    with pytest.raises(AddressError, match="only loopback addresses are served without keys"):
        ServerEndpoint(service, "tcp://0.0.0.0:0")
    with ServerEndpoint(service, "tcp://0.0.0.0:0", security=security) as endpoint:
        port = endpoint.address.rpartition(":")[2]
        with Client.connect(f"tcp://127.0.0.1:{port}", security=keys(ALICE)) as client:
            assert client.connected
        with pytest.raises(AuthenticationError):
            Client.connect(f"tcp://127.0.0.1:{port}", 30.0)


def test_a_client_in_another_process(secured: ScriptedService, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from shotstream_bridge import Client, ClientSecurity, KeyPair\n"
        "address, server, public, secret = sys.argv[1:]\n"
        "security = ClientSecurity(KeyPair(public.encode(), secret.encode()), server.encode())\n"
        "with Client.connect(address, 20, security=security) as client: print(client.server.model)\n"
    )
    arguments = [SERVER.public.decode(), ALICE.public.decode(), ALICE.secret.decode()]
    done = subprocess.run(
        [sys.executable, "-c", code, secured.endpoint.address, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "scripted"
