# SPDX-License-Identifier: Apache-2.0
"""A server that says anything at all: its client says what is wrong, and neither raises nor hangs."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator

import make_protocol_vectors as vectors
import msgpack
import pytest
import zmq
from malformed_messages import mutated
from scripted_service import PATIENCE_S, ScriptedService
from shotstream_bridge import BridgeError, Client, ConnectError, ConnectionLost
from shotstream_bridge.client_core import ClientCore, ClientState
from shotstream_bridge.codec import encode
from tcp_proxy import TcpProxy

NEWS = [(encode(message), payload) for message, payload in vectors.SERVER.values()]
NEWS += [(encode(message), payload) for _, message, payload in vectors.LATER_SERVER.values()]
WELCOME = encode(vectors.SERVER["welcome"][0])


def mutated_news(chance: random.Random) -> list[bytes]:
    """A server's message, changed; now and then with a part too many or too few."""
    header, payload = chance.choice(NEWS)
    parts = [mutated(chance, header)]
    if (payload is not None) is (chance.random() < 0.9):
        parts.append(mutated(chance, payload or b"\x00"))
    return parts


def welcomed() -> ClientCore:
    core = ClientCore("unreal-01", product="test/1", now=0.0)
    core.greet()
    core.receive([memoryview(WELCOME)], 0.0)
    assert core.state is ClientState.OPEN
    return core


def test_ten_thousand_mutated_messages_to_a_client() -> None:
    chance = random.Random(7)  # noqa: S311 - a test
    core = welcomed()
    ended = 0
    for _ in range(10_000):
        if core.state is not ClientState.OPEN:
            ended += 1
            core = welcomed()
        core.receive([memoryview(part) for part in mutated_news(chance)], 0.0)
    assert 100 < ended < 10_000


def test_every_message_to_a_client_that_did_not_ask() -> None:
    """Answers to nothing, frames of no subscription, memory that was not asked for: no fault."""
    for header, payload in NEWS:
        for state in (ClientState.GREETING, ClientState.OPEN):
            core = welcomed()
            if state is ClientState.GREETING:
                core = ClientCore("unreal-01", product="test/1", now=0.0)
                core.greet()
            core.receive([memoryview(part) for part in (header, payload) if part is not None], 0.0)


@pytest.fixture
def liar() -> Iterator[tuple[str, list[list[bytes]]]]:
    """A ROUTER that welcomes everybody and then says the next thing of the list."""
    says: list[list[bytes]] = []
    stop = threading.Event()
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")

    def lie() -> None:
        while not stop.is_set():
            if not router.poll(20):
                continue
            who, header, *_ = router.recv_multipart()
            if msgpack.unpackb(header)["type"] == "hello":
                router.send_multipart([who, WELCOME])
                router.send_multipart([who, *says.pop(0)])

    thread = threading.Thread(target=lie)
    thread.start()
    yield f"tcp://127.0.0.1:{port}", says
    stop.set()
    thread.join()
    router.close(0)
    context.term()


def test_mutated_messages_on_a_live_socket(liar: tuple[str, list[list[bytes]]]) -> None:
    address, says = liar
    chance = random.Random(8)  # noqa: S311 - a test
    lost = 0
    for _ in range(200):
        says.append(mutated_news(chance))
        try:
            with Client.connect(address, PATIENCE_S, reconnect_s=0) as client:
                deadline = time.monotonic() + 0.05
                while not client.closed and time.monotonic() < deadline:
                    lost += sum(isinstance(event, ConnectionLost) for event in client.pump(0.01))
        except ConnectError:  # what is wrong came with the welcome
            lost += 1
        assert not says
    assert lost > 50


def test_thousands_of_mutated_welcomes() -> None:
    """What is no welcome is refused in words, or understood as what it is."""
    chance = random.Random(9)  # noqa: S311 - a test
    states = set()
    for _ in range(4_000):
        core = ClientCore("unreal-01", product="test/1", now=0.0)
        core.greet()
        core.receive([memoryview(mutated(chance, WELCOME))], 0.0)
        states.add(core.state)
    assert states <= {ClientState.GREETING, ClientState.OPEN, ClientState.CLOSED}
    assert ClientState.CLOSED in states


def test_bytes_of_a_server_sent_again_are_no_server(service: ScriptedService) -> None:
    with TcpProxy(service.endpoint.address) as proxy:
        with Client.connect(proxy.address):
            pass
        recorded = bytes(proxy.sent_by_server)
    listening = socket.create_server(("127.0.0.1", 0))

    def replay() -> None:
        near, _ = listening.accept()
        near.sendall(recorded)
        near.close()

    thread = threading.Thread(target=replay)
    thread.start()
    try:
        with pytest.raises(BridgeError):
            Client.connect(f"tcp://127.0.0.1:{listening.getsockname()[1]}", 1.0)
    finally:
        thread.join()
        listening.close()
