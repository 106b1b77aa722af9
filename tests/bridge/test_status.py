# SPDX-License-Identifier: Apache-2.0
"""`get_status` over real sockets, who is told what, and the endpoint's counters."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path

import pytest
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService
from shotstream_bridge import (
    AllowList,
    AsyncClient,
    AuthenticationError,
    Client,
    ClientSecurity,
    ConnectionResumed,
    KeyPair,
    ReceivedFrame,
    RequestFailedError,
    ServerSecurity,
)
from shotstream_bridge.allow_list import allow
from shotstream_bridge.counters import Histogram
from shotstream_bridge.keys import PublicKey
from tcp_proxy import TcpProxy

SERVER, ALICE, BOB, CHIEF = (KeyPair.generate() for _ in range(4))


def test_without_keys_everyone_sees_every_story(service: ScriptedService) -> None:
    address = service.endpoint.address
    with Client.connect(address, client_id="artist") as artist, Client.connect(address) as watcher:
        artist.open_story(global_caption="a secret caption", title="a secret title", story_id="s1")
        watcher.story("s1").subscribe("every", credits=1)
        service.publish_frames("s1", 5)
        while not any(isinstance(event, ReceivedFrame) for event in watcher.pump(PATIENCE_S)):
            pass
        status = watcher.status()
        assert (status.clients, status.watchers, status.open_stories, status.all_seen) == (2, 1, 1, True)
        (story,) = status.stories
        assert (story.story_id, story.client_id, story.frames, story.watchers) == ("s1", "artist", 5, 1)
        # One was sent for its one credit, which came back when the frame was handed out.
        assert 3 <= story.lag_frames <= 4
        assert "secret" not in status.model_dump_json()


def test_the_asyncio_client_asks_too(service: ScriptedService) -> None:
    async def ask() -> int:
        async with await AsyncClient.connect(service.endpoint.address) as client:
            return (await client.status()).clients

    assert asyncio.run(ask()) == 1


def test_with_keys_a_client_sees_what_its_key_opened_and_an_operator_everything(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    allow(path, PublicKey("alice", ALICE.public))
    allow(path, PublicKey("bob", BOB.public))
    allow(path, PublicKey("chief", CHIEF.public), operator=True)
    with ScriptedService(security=ServerSecurity(SERVER, AllowList(path))) as service:

        def connect(pair: KeyPair) -> Client:
            return Client.connect(service.endpoint.address, security=ClientSecurity(pair, SERVER.public))

        with connect(ALICE) as alice, connect(ALICE) as her_top, connect(BOB) as bob, connect(CHIEF) as chief:
            alice.open_story(global_caption="", story_id="of-alice")
            bob.open_story(global_caption="", story_id="of-bob")
            seen = {
                name: [story.story_id for story in client.status().stories]
                for name, client in {"alice": alice, "her_top": her_top, "bob": bob, "chief": chief}.items()
            }
            assert seen == {
                "alice": ["of-alice"],
                "her_top": ["of-alice"],
                "bob": ["of-bob"],
                "chief": ["of-alice", "of-bob"],
            }
            assert (bob.status().open_stories, bob.status().all_seen) == (2, False)
            assert chief.status().all_seen
            # A client id is no key: taking another's name shows nothing of it.
            assert "of-alice" not in bob.status().model_dump_json()


def test_a_server_without_the_feature_is_not_asked(
    service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shotstream_bridge.reception.FEATURES", ("quotas", "resume"))
    with Client.connect(service.endpoint.address) as client:
        with pytest.raises(RequestFailedError, match="does not tell its status; update it"):
            client.status()
        assert client.connected


def test_a_host_that_fails_to_tell_is_answered_as_internal(service: ScriptedService) -> None:
    with Client.connect(service.endpoint.address) as client:
        service.break_next = ValueError("no")
        with pytest.raises(RequestFailedError, match="internal"):
            client.status()
        assert client.status().clients == 1


def test_the_endpoint_counts_what_clients_got(service: ScriptedService) -> None:
    counters = service.endpoint.counters
    with Client.connect(service.endpoint.address) as client, RawDealer(service.endpoint.address) as raw:
        story = client.open_story(global_caption="", story_id="s1")
        story.subscribe("every")
        story.subscribe("latest", credits=1)
        frames: list[ReceivedFrame] = []
        service.publish_frames("s1", 20)
        while sum(f.header.index == 19 for f in frames) < 2:
            frames += [event for event in client.pump(PATIENCE_S) if isinstance(event, ReceivedFrame)]
        # A frame is counted once it has left; with this answer that has happened.
        client.status()
        got = {number: [f for f in frames if f.header.subscription == number] for number in (0, 1)}
        assert counters.frames_sent == {"every": len(got[0]), "latest": len(got[1])}
        assert counters.bytes_sent["connection"] == sum(f.payload.nbytes for f in frames)
        assert counters.frames_skipped == sum(f.header.skipped for f in frames) == 20 - len(got[1])
        assert counters.send_s.cumulative()[-1] == (math.inf, len(frames))
        raw.say(type="nonsense")
        raw.hear()
        assert counters.refusals["hello_required"] == 1
        assert counters.connects == 1
        with pytest.raises(RequestFailedError, match="unknown_story"):
            client.story("s2").subscribe()
        assert {code: n for code, n in counters.refusals.items() if n} == {
            "hello_required": 1,
            "unknown_story": 1,
        }


def test_reconnects_and_resumes_are_counted(service: ScriptedService) -> None:
    with (
        TcpProxy(service.endpoint.address) as proxy,
        Client.connect(proxy.address, heartbeat_s=0.1, timeout_s=1.0) as client,
    ):
        client.open_story(global_caption="", story_id="s1").subscribe("every")
        proxy.cut()
        events: list[object] = []
        deadline = time.monotonic() + PATIENCE_S
        while not any(isinstance(event, ConnectionResumed) for event in events):
            assert time.monotonic() < deadline
            events += client.pump(0.1)
        # Answered in order: with this answer the resumption is dealt with.
        client.status()
        counters = service.endpoint.counters
        assert (counters.connects, counters.reconnects, counters.resumes) == (2, 1, 1)


def test_strangers_at_the_door_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "allowed"
    allow(path, PublicKey("alice", ALICE.public))
    with ScriptedService(security=ServerSecurity(SERVER, AllowList(path))) as service:
        with pytest.raises(AuthenticationError):
            Client.connect(service.endpoint.address, security=ClientSecurity(BOB, SERVER.public))
        assert service.endpoint.counters.keys_refused >= 1
        assert service.endpoint.counters.connects == 0


def test_a_histogram_counts_cumulatively() -> None:
    histogram = Histogram([0.1, 1.0])
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    assert histogram.cumulative() == [(0.1, 2), (1.0, 3), (math.inf, 4)]
    assert histogram.sum == pytest.approx(7.65)
