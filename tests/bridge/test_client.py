# SPDX-License-Identifier: Apache-2.0
"""The synchronous client over real sockets: a whole story, and every way a connection fails."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pytest
import zmq
from pydantic import ValidationError
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService, frame, picture
from shotstream_bridge import (
    BeatMode,
    BeatScript,
    BeatStatus,
    Client,
    ConnectError,
    ConnectionLost,
    Error,
    ErrorCode,
    HandshakeRefusedError,
    NotConnectedError,
    ReceivedFrame,
    RequestFailedError,
    RequestRejected,
    RequestTimeoutError,
    ServerState,
    ServerStateName,
    StoryClosed,
    StoryScript,
    handshake,
    version,
)

SCRIPT = StoryScript(
    global_caption="A red fox in snow.",
    seed=7,
    beats=(
        BeatScript(id="one", text="It runs.", chunks=5),
        BeatScript(text="It stops.", mode=BeatMode.CONTINUE, chunks=3),
        BeatScript(id="three", text="It sleeps.", chunks=2),
    ),
)


def test_a_story_from_beats_to_its_last_frame(player: ScriptedService) -> None:
    with Client.connect(player.endpoint.address) as client:
        story = client.open_story(global_caption=SCRIPT.global_caption, seed=SCRIPT.seed)
        assert story.opened is not None
        assert (story.opened.width, story.opened.fps) == (16, 16.0)
        story.subscribe("every", credits=5)
        names = story.submit_script(SCRIPT)
        story.close()
        frames, stages, closed = [], [], None
        for event in client.events(PATIENCE_S):
            match event:
                case ReceivedFrame():
                    frames.append(event)
                case BeatStatus():
                    stages.append((event.beat_id, event.stage.value))
                case StoryClosed():
                    closed = event
                    break
    assert names[0] == "one"
    assert names[2] == "three"
    assert closed is not None
    assert closed.frames == len(frames) == 120
    assert [got.header.index for got in frames] == list(range(120))
    assert all(np.array_equal(got.rgb(), picture(index)) for index, got in enumerate(frames))
    assert [got.header.beat_id for got in frames] == [names[0]] * 60 + [names[1]] * 36 + [names[2]] * 24
    for name in names:
        ordered = ["accepted", "scheduled", "first_frame", "done"]
        assert [stage for beat, stage in stages if beat == name] == ordered
    assert player.gone.get(timeout=PATIENCE_S)


def test_a_watcher_needs_only_the_storys_name(service: ScriptedService, client: Client) -> None:
    client.open_story(global_caption="", story_id="s1")
    with Client.connect(service.endpoint.address) as watcher:
        watcher.story("s1").subscribe("latest", pixel_format="jpeg", quality=70)
        service.publish_frames("s1", 1)
        (event,) = watcher.pump(PATIENCE_S)
        assert isinstance(event, ReceivedFrame)
        assert event.rgb().shape == (8, 16, 3)
        assert client.pump() == []


def test_credits_by_hand_and_the_end_of_a_subscription(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    subscription = story.subscribe(credits=2, auto_grant=False)
    service.publish_frames("s1", 6)
    got = client.pump(PATIENCE_S)
    while len(got) < 2:
        got += client.pump(PATIENCE_S)
    assert client.pump(0.05) == []
    subscription.grant(1)
    assert [e.header.index for e in client.pump(PATIENCE_S) if isinstance(e, ReceivedFrame)] == [2]
    subscription.end()
    service.publish_frames("s1", 1)
    assert client.pump(0.05) == []


def test_pump_never_waits_unless_asked(client: Client) -> None:
    started = time.perf_counter()
    for _ in range(200):
        assert client.pump() == []
    assert time.perf_counter() - started < 1.0


def test_requests_that_are_not_waited_for_answer_as_events(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", wait=0)
    assert story.opened is None
    story.cancel_beat("nothing")
    events = []
    while len(events) < 2:
        events += client.pump(PATIENCE_S)
    assert [type(event).__name__ for event in events] == ["StoryOpened", "Ack"]


def test_a_refused_request_raises_when_it_is_waited_for(service: ScriptedService, client: Client) -> None:
    service.break_next = RequestRejected(ErrorCode.NOT_READY, "still loading", field="story_id")
    with pytest.raises(RequestFailedError, match=r"not_ready \(field story_id\): still loading") as caught:
        client.open_story(global_caption="")
    assert caught.value.retryable
    story = client.open_story(global_caption="")
    service.break_next = RequestRejected(ErrorCode.QUEUE_FULL, "full")
    with pytest.raises(RequestFailedError, match="queue_full: full"):
        story.submit_beat("A fox.", wait=PATIENCE_S)
    assert story.submit_beat("A fox.", wait=PATIENCE_S).startswith("beat-")


def test_wrong_arguments_never_leave_the_client(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="")
    with pytest.raises(ValidationError, match="is empty"):
        story.submit_beat("  ")
    with pytest.raises(ValidationError, match="20000 characters"):
        story.submit_beat("x" * 20_000)
    with pytest.raises(ValidationError):
        client.open_story(global_caption="", story_id="no/slashes")
    assert client.pump(0.02) == []
    assert client.connected


def test_an_error_that_answers_nothing_is_an_event(service: ScriptedService, client: Client) -> None:
    client.story("s9").subscribe(wait=0)
    (event,) = client.pump(PATIENCE_S)
    assert isinstance(event, Error)
    assert (event.code, event.story_id) == ("unknown_story", "s9")


# --- connecting -------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_answers() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(ConnectError, match=f"no server answers at {address} within 0.3 s.*shotstream serve"):
        Client.connect(address, 0.3)
    assert time.monotonic() - started < 2


def test_a_server_that_starts_meanwhile() -> None:
    port = free_port()
    service = ScriptedService()
    late = type(service.endpoint)(service, f"tcp://127.0.0.1:{port}")
    starter = threading.Timer(0.2, late.start)
    starter.start()
    with Client.connect(f"tcp://127.0.0.1:{port}", PATIENCE_S) as client:
        assert client.version == 1
    starter.join()
    late.stop()


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5555", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "http://x"]
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ConnectError, match="is no address; use tcp://HOST:PORT"):
        Client.connect(address, 0.3)


def test_something_that_does_not_speak_zeromq() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def greet() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                with peer:
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 100)

        thread = threading.Thread(target=greet)
        thread.start()
        try:
            with pytest.raises(ConnectError, match="is it a ShotStream server"):
                Client.connect(f"tcp://127.0.0.1:{server.getsockname()[1]}", 0.8)
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "words"),
    [(None, "did not answer hello"), (b"\xc1", "not the protocol")],
    ids=["silence", "garbage"],
)
def test_another_zeromq_server(answer: bytes | None, words: str) -> None:
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")

    def reply() -> None:
        if router.poll(PATIENCE_S * 1000):
            who, _ = router.recv_multipart()
            if answer is not None:
                router.send_multipart([who, answer])

    thread = threading.Thread(target=reply)
    thread.start()
    try:
        with pytest.raises(ConnectError, match=words):
            Client.connect(f"tcp://127.0.0.1:{port}", 0.5 if answer is None else PATIENCE_S)
    finally:
        thread.join()
        router.close(0)
        context.term()


def test_a_refused_version_lists_both_sides(
    service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server's side alone: the client has its own copy of the constant.
    monkeypatch.setattr(handshake, "PROTOCOL_VERSIONS", (2, 3))
    with pytest.raises(HandshakeRefusedError) as caught:
        Client.connect(service.endpoint.address)
    refusal = caught.value
    assert refusal.code == "version_unsupported"
    assert (refusal.server_versions, refusal.client_versions) == ((2, 3), version.PROTOCOL_VERSIONS)
    assert "this server speaks protocol version 2, 3, the client offers 1; update the client" in str(refusal)


def test_a_loading_server_is_waited_for() -> None:
    with (
        ScriptedService(state=ServerStateName.LOADING) as service,
        Client.connect(service.endpoint.address) as client,
    ):
        assert client.server.state is ServerStateName.LOADING
        with pytest.raises(RequestTimeoutError, match="still loading"):
            client.wait_until_ready(0.05)
        service.endpoint.publish(
            ServerState(state=ServerStateName.LOADING, detail="reading weights", progress=0.5)
        )
        service.endpoint.publish(ServerState(state=ServerStateName.READY))
        client.wait_until_ready(PATIENCE_S)
        states = [event for event in client.pump() if isinstance(event, ServerState)]
        assert [state.progress for state in states] == [0.5, None]


# --- losing the connection --------------------------------------------------------------------------------


def test_a_server_that_stops_says_so(client: Client, service: ScriptedService) -> None:
    service.endpoint.stop()
    events = list(client.events(PATIENCE_S))
    assert events == [ConnectionLost("the server is stopping", by_server=True)]
    assert not client.connected
    assert client.pump() == []
    with pytest.raises(NotConnectedError, match="the server is stopping"):
        client.open_story(global_caption="")
    with pytest.raises(NotConnectedError):
        client.story("s").cancel_beat("b")


def test_a_server_that_falls_silent_is_noticed() -> None:
    """A server that hangs while its socket lives: its ROUTER takes messages, and nothing comes back."""
    with (
        ScriptedService() as service,
        Client.connect(service.endpoint.address, heartbeat_s=0.05, timeout_s=0.3, reconnect_s=0) as client,
    ):
        assert client.pump(0.4) == [], "heartbeats keep a quiet connection alive"
        release = threading.Event()
        original = service.cancel_beat
        service.cancel_beat = lambda *a: release.wait(PATIENCE_S) and original(*a)  # type: ignore[method-assign, func-returns-value, assignment]
        try:
            client.story("s").cancel_beat("b")
            started = time.monotonic()
            assert client.pump(PATIENCE_S) == [ConnectionLost("the server was silent for 0.3 s")]
            assert time.monotonic() - started < 2
        finally:
            release.set()


def test_a_request_in_flight_fails_when_the_server_goes() -> None:
    with ScriptedService() as service:
        client = Client.connect(service.endpoint.address)
        stopper = threading.Timer(0.1, service.endpoint.stop)
        stopper.start()
        with pytest.raises(NotConnectedError, match="stopping"):
            client.settle(12_345, PATIENCE_S)
        stopper.join()
        client.close()


def test_a_request_that_is_not_answered(client: Client) -> None:
    with pytest.raises(RequestTimeoutError, match=r"within 0\.05 s"):
        client.settle(12_345, 0.05)
    assert client.connected


def test_close_is_quick_and_may_be_repeated(service: ScriptedService) -> None:
    client = Client.connect(service.endpoint.address)
    started = time.monotonic()
    client.close()
    client.close()
    assert time.monotonic() - started < 1
    assert service.gone.get(timeout=PATIENCE_S) == client.client_id
    assert client.pump() == []


def test_a_slow_service_call_does_not_look_like_dead_clients() -> None:
    """Signs of life that wait in the socket behind a slow call count."""
    with ScriptedService() as service, RawDealer(service.endpoint.address) as slow:
        slow.hello("slow", timeout_s=100.0)
        with Client.connect(service.endpoint.address, heartbeat_s=0.05, timeout_s=30.0) as client:
            with RawDealer(service.endpoint.address) as quick:
                quick.hello("quick", heartbeat_s=0.1, timeout_s=0.3)
                hold = threading.Event()
                original = service.cancel_beat
                service.cancel_beat = lambda *a: (hold.wait(0.5), original(*a))[1]  # type: ignore[method-assign, func-returns-value, assignment, misc]
                slow.say(type="cancel_beat", request=1, story_id="s", beat_id="b")
                time.sleep(0.2)
                quick.say(type="heartbeat")
                assert slow.hear_type("ack")["request"] == 1
                quick.say(type="cancel_beat", request=2, story_id="s", beat_id="b")
                assert quick.hear_type("ack")["request"] == 2
            assert client.connected


def test_frames_survive_the_frame_they_came_from(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe(credits=64)
    kept = []
    for index in range(20):
        service.endpoint.publish_frame(frame("s1", index))
    while len(kept) < 20:
        kept += [event.rgb() for event in client.pump(PATIENCE_S) if isinstance(event, ReceivedFrame)]
    client.close()
    assert all(np.array_equal(pixels, picture(index)) for index, pixels in enumerate(kept))


def test_a_client_that_is_begun_never_waits(service: ScriptedService) -> None:
    client = Client.begin(service.endpoint.address, 5.0)
    longest, deadline = 0.0, time.monotonic() + PATIENCE_S
    try:
        assert client.connecting
        with pytest.raises(NotConnectedError):
            client.open_story(global_caption="Too early.", wait=0)
        while client.connecting and time.monotonic() < deadline:
            start = time.perf_counter()
            assert client.pump() == []
            longest = max(longest, time.perf_counter() - start)
            time.sleep(0.005)
        assert client.connected
        assert client.server.model
    finally:
        client.close()
    assert longest < 0.1


def test_a_client_that_is_begun_tells_what_is_wrong_while_it_is_pumped() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    client = Client.begin(address, 0.3)
    with pytest.raises(ConnectError, match=r"no server answers .* within 0\.3 s"):  # noqa: PT012
        for _ in range(200):
            client.pump()
            time.sleep(0.01)
    assert client.closed
