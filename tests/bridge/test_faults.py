# SPDX-License-Identifier: Apache-2.0
"""Processes that die, strangers that knock, clients that stall: the server and generation go on."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import make_protocol_vectors as vectors
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from malformed_messages import mutated
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService
from shotstream_bridge import (
    BeatScript,
    Client,
    ConnectionLost,
    EndpointLimits,
    Notice,
    Quotas,
    ReceivedFrame,
    StoryClosed,
)
from shotstream_bridge.codec import encode

WATCHER = """
import sys
from shotstream_bridge import Client, ReceivedFrame
with Client.connect(sys.argv[1], 20, client_id="victim") as client:
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe("every", credits=4, auto_grant=sys.argv[2] == "yes")
    print("ready", flush=True)
    for event in client.events():
        if isinstance(event, ReceivedFrame) and event.header.index == 3:
            print("watching", flush=True)
"""

SERVER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from scripted_service import ScriptedService
with ScriptedService() as service:
    print(service.endpoint.address, flush=True)
    threading.Event().wait()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("auto_grant", ["yes", "no"])
def test_a_client_killed_mid_shot_does_not_hold_its_story_up(auto_grant: str) -> None:
    limits, quotas = EndpointLimits(backlog_frames=8), Quotas(resume_s=0.2)
    with ScriptedService(limits=limits, quotas=quotas) as service:
        victim = start(WATCHER, service.endpoint.address, auto_grant)
        assert line(victim) == "ready"
        service.publish_frames("s1", 6)
        assert line(victim) == "watching"
        if auto_grant == "no":
            # It holds generation up, as an `every` watcher without credits does, until it is dead.
            service.publish_frames("s1", 8)
            assert not service.endpoint.wants_frames("s1")
        victim.kill()
        victim.wait()
        for _ in range(60):
            assert service.endpoint.wait_wants_frames("s1", PATIENCE_S)
            service.publish_frames("s1", 1)
        assert service.gone.get(timeout=PATIENCE_S) == "victim"
        with RawDealer(service.endpoint.address) as other:
            assert other.hello()["type"] == "welcome"


def test_a_client_that_hangs_is_dropped_after_its_timeout() -> None:
    with (
        ScriptedService(limits=EndpointLimits(backlog_frames=4)) as service,
        RawDealer(service.endpoint.address) as hung,
    ):
        hung.hello("hung", heartbeat_s=0.05, timeout_s=0.3)
        hung.open()
        hung.subscribe(credits=1)
        service.publish_frames("s1", 6)
        assert not service.endpoint.wants_frames("s1")
        assert service.endpoint.wait_wants_frames("s1", PATIENCE_S)
        assert service.gone.get(timeout=PATIENCE_S) == "hung"
        assert "nothing was heard for 0.3 s" in hung.hear_type("goodbye")["reason"]
        hung.say(type="grant_credits", subscription=0, credits=1)
        assert hung.hear_type("error")["code"] == "hello_required"
        assert hung.hello("hung")["type"] == "welcome"


def test_a_killed_server_is_noticed_at_once() -> None:
    server = start(SERVER, str(Path(__file__).parent))
    try:
        with Client.connect(line(server), 20, reconnect_s=0) as client:
            client.open_story(global_caption="", story_id="s1").subscribe()
            server.kill()
            started = time.monotonic()
            events = list(client.events(PATIENCE_S))
            assert time.monotonic() - started < 3, "it waited for the heartbeat's timeout"
        assert events == [ConnectionLost("the server closed the connection, or died")]
    finally:
        server.kill()
        server.wait()


def test_a_slow_reader_beside_a_fast_one(player: ScriptedService) -> None:
    """A stalled live watcher slows nobody; a slow lossless one still gets every frame."""
    address = player.endpoint.address
    with Client.connect(address) as fast, Client.connect(address) as slow, Client.connect(address) as stalled:
        story = fast.open_story(global_caption="", story_id="s1")
        story.subscribe("every", credits=16)
        slow.story("s1").subscribe("every", credits=1)
        stalled.story("s1").subscribe("latest", credits=1, auto_grant=False)
        seen: dict[str, list[int]] = {"fast": [], "slow": []}

        def watch(name: str, client: Client, pause: float) -> None:
            while len(seen[name]) < 240:
                for event in client.pump(PATIENCE_S):
                    if isinstance(event, ReceivedFrame):
                        seen[name].append(event.header.index)
                        time.sleep(pause)

        threads = [
            threading.Thread(target=watch, args=("fast", fast, 0.0)),
            threading.Thread(target=watch, args=("slow", slow, 0.001)),
        ]
        for _ in range(2):
            player._work.put(("s1", f"b{time.monotonic_ns()}", 10))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert seen["fast"] == seen["slow"] == list(range(240))
        frames = [event for event in stalled.pump() if isinstance(event, ReceivedFrame)]
        assert len(frames) == 1


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\xff" + bytes(8) + b"\x7f\x03\x01CURVE" + bytes(100),
        b"\xff" + bytes(8) + b"\x7f\x09\x09NULL" + bytes(100),
        b"\x00",
        bytes(range(256)) * 64,
        b"\xff" * 100_000,
    ],
    ids=["http", "tls", "curve", "zmtp 9", "one byte", "all bytes", "100 kB"],
)
def test_what_is_not_zeromq_on_the_port(service: ScriptedService, raw: RawDealer, noise: bytes) -> None:
    host, port = service.endpoint.address.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as stranger:
        try:
            stranger.sendall(noise)
            stranger.shutdown(socket.SHUT_WR)
            stranger.settimeout(0.2)
            while stranger.recv(65_536):
                pass
        except OSError:
            pass
    assert raw.open()["type"] == "story_opened"


def test_a_part_over_the_limit_costs_its_sender_the_connection_only(
    service: ScriptedService, raw: RawDealer
) -> None:
    with RawDealer(service.endpoint.address) as giant:
        assert giant.hello("giant", heartbeat_s=0.05)["type"] == "welcome"
        giant.send(b"\xc0" * (service.endpoint.limits.message_bytes + 1))
        assert service.gone.get(timeout=PATIENCE_S) == "giant"
    assert raw.open()["type"] == "story_opened"


def test_thousands_of_wrong_messages_are_all_answered(service: ScriptedService, raw: RawDealer) -> None:
    with RawDealer(service.endpoint.address) as flood:
        flood.hello("flood")
        for number in range(3_000):
            flood.say(type="heartbeat", number=number)
        for _ in range(3_000):
            assert flood.hear()["code"] == "unknown_field"
    assert raw.open()["type"] == "story_opened"


@pytest.fixture(scope="module")
def shared() -> ScriptedService:
    with ScriptedService() as running:
        yield running  # type: ignore[misc]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_random_multipart_messages_on_a_live_socket(shared: ScriptedService, parts: list[bytes]) -> None:
    with RawDealer(shared.endpoint.address) as stranger:
        stranger.send(*parts)
        assert stranger.hear()["type"] == "error"
        assert stranger.hello("c")["type"] == "welcome"
        stranger.send(*parts)
        assert stranger.hear_type("error")["retryable"] is False


def test_ten_thousand_mutated_messages_on_a_live_socket() -> None:
    """Every one is answered, or was a message after all; the server and its other clients live on."""
    chance = random.Random(4)  # noqa: S311 - a test
    later = [message for _, message in vectors.LATER_CLIENT.values()]
    seeds = [encode(message) for message in (*vectors.CLIENT.values(), *later)]
    quotas = Quotas(messages_per_s=100_000.0, connections_per_s=100_000.0)
    with ScriptedService(quotas=quotas) as service, RawDealer(service.endpoint.address) as bystander:
        bystander.hello("bystander", timeout_s=120.0)
        bystander.open("theirs")
        for round_number in range(100):
            with RawDealer(service.endpoint.address) as fuzzer:
                fuzzer.hello("fuzzer", timeout_s=120.0)
                for _ in range(100):
                    parts = [mutated(chance, chance.choice(seeds))]
                    if chance.random() < 0.05:
                        parts.append(chance.randbytes(8))
                    fuzzer.send(*parts)
                # Whatever they were: the connection is served, or one of them was a goodbye.
                fuzzer.say(type="cancel_beat", request=77_777, story_id="s", beat_id="b")
                while True:
                    answer = fuzzer.hear()
                    if answer.get("request") == 77_777 or answer.get("code") == "hello_required":
                        break
            bystander.say(type="cancel_beat", request=round_number, story_id="theirs", beat_id="b")
            assert bystander.hear_type("ack")["request"] == round_number


def test_sixty_four_watchers_of_one_story(player: ScriptedService) -> None:
    """Every format, both modes, memory and connection, in one story: each gets what it asked for."""
    address = player.endpoint.address
    formats = ["rgb8", "bgra8", "jpeg", "webp", "png"]
    with contextlib.ExitStack() as stack:
        director = stack.enter_context(Client.connect(address))
        story = director.open_story(global_caption="", story_id="s1")
        watchers = []
        for number in range(64):
            client = stack.enter_context(Client.connect(address, timeout_s=60.0))
            pixel_format = formats[number % 5]
            client.story("s1").subscribe(
                "latest" if number % 4 == 3 else "every",
                credits=1 + number % 7,
                pixel_format=pixel_format,
                memory=pixel_format in ("rgb8", "bgra8") and number % 2 == 0,
            )
            watchers.append(client)
        story.submit_beat(BeatScript(id="b", text="A fox.", chunks=10))
        story.close()
        seen: list[list[tuple[int, int]]] = [[] for _ in watchers]
        open_still = set(range(64))
        deadline = time.monotonic() + 60
        while open_still and time.monotonic() < deadline:
            director.pump()
            for number in list(open_still):
                for event in watchers[number].pump(0.0):
                    if isinstance(event, ReceivedFrame):
                        seen[number].append((event.header.index, event.header.skipped))
                    elif isinstance(event, StoryClosed):
                        open_still.discard(number)
        assert not open_still
    for number, frames in enumerate(seen):
        indices = [index for index, _ in frames]
        if number % 4 == 3:
            assert indices == sorted(set(indices))
            assert indices[-1] == 119
            assert len(frames) + sum(skipped for _, skipped in frames) == 120
        else:
            assert indices == list(range(120))


def test_news_is_published_while_clients_come_and_go(service: ScriptedService, raw: RawDealer) -> None:
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            service.endpoint.publish(Notice(code="tick", text="tock"))
            service.publish_frames("s1", 1)
            time.sleep(0.0005)

    raw.open()
    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for number in range(40):
            with RawDealer(service.endpoint.address) as guest:
                guest.hello(f"guest-{number}", heartbeat_s=0.05)
                guest.subscribe(mode="latest" if number % 2 else "every", credits=2)
                guest.hear_frame()
    finally:
        stop.set()
        publisher.join()
    gone = {service.gone.get(timeout=PATIENCE_S) for _ in range(40)}
    assert gone == {f"guest-{number}" for number in range(40)}
    assert service.endpoint.wants_frames("s1")
