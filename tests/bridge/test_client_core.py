# SPDX-License-Identifier: Apache-2.0
"""The client's protocol without sockets or clocks."""

from __future__ import annotations

from typing import Any

import make_protocol_vectors as vectors
import msgpack
import pytest
from shotstream_bridge import (
    ConnectionLost,
    FrameDamaged,
    FrameHeader,
    NotConnectedError,
    PixelFormat,
    ReceivedFrame,
    ServerStateName,
    WatchMode,
)
from shotstream_bridge import messages as m
from shotstream_bridge.client_core import ClientCore, ClientState
from shotstream_bridge.codec import encode
from shotstream_bridge.fields import Message


def arrive(core: ClientCore, message: Message, now: float = 0.0, payload: bytes | None = None) -> list[Any]:
    parts = [memoryview(encode(message))] + ([] if payload is None else [memoryview(payload)])
    return core.receive(parts, now)


def sent(core: ClientCore) -> list[dict[str, Any]]:
    fields = [msgpack.unpackb(header) for header in core.outgoing]
    core.outgoing.clear()
    return fields


@pytest.fixture
def core() -> ClientCore:
    """A client that was welcomed at time 0 with a heartbeat of 1 s and a timeout of 10 s."""
    made = ClientCore("unreal-01", product="test/1", now=0.0)
    made.greet()
    assert sent(made)[0]["type"] == "hello"
    welcome, _ = vectors.SERVER["welcome"]
    assert arrive(made, welcome) == []
    assert made.state is ClientState.OPEN
    return made


def test_nothing_can_be_asked_before_the_welcome() -> None:
    core = ClientCore("c", product="p", now=0.0)
    with pytest.raises(NotConnectedError, match="not connected"):
        core.cancel_beat("s", "b")
    with pytest.raises(NotConnectedError, match="not welcomed"):
        _ = core.server


def test_a_refusal_closes() -> None:
    core = ClientCore("c", product="p", now=0.0)
    refused, _ = vectors.SERVER["refused"]
    assert arrive(core, refused) == []
    assert core.state is ClientState.CLOSED
    assert core.refused == refused


def test_heartbeats_are_sent_only_into_silence(core: ClientCore) -> None:
    core.sent(0.0)
    core.tick(0.9)
    assert sent(core) == []
    core.cancel_beat("s", "b")
    core.tick(1.5)
    assert [message["type"] for message in sent(core)] == ["cancel_beat"]
    core.sent(1.5)
    assert core.seconds_to_tick(1.7) == pytest.approx(0.8)
    core.tick(2.5)
    assert [message["type"] for message in sent(core)] == ["heartbeat"]


def test_a_silent_server_is_dead_and_said_to_be_once(core: ClientCore) -> None:
    arrive(core, m.Heartbeat(), now=5.0)
    assert core.tick(14.9) == []
    assert core.tick(15.0) == [ConnectionLost("the server was silent for 10 s")]
    assert core.tick(16.0) == []
    assert core.connection_lost("again", 17.0) == []
    with pytest.raises(NotConnectedError, match="silent for 10 s"):
        core.cancel_beat("s", "b")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (m.Goodbye(reason="the server is stopping"), "the server is stopping"),
        (m.Error(code="hello_required", reason="?", retryable=False), "no longer knows"),
    ],
)
def test_the_server_ends_the_connection(core: ClientCore, message: Message, reason: str) -> None:
    (lost,) = arrive(core, message)
    assert isinstance(lost, ConnectionLost)
    assert reason in lost.reason
    assert lost.by_server
    assert arrive(core, m.Heartbeat()) == []


@pytest.mark.parametrize(
    "parts",
    [[b"\xc1"], [b""], [encode(m.Heartbeat()), b"x"], [encode(vectors.SERVER["frame, rgb8"][0])]],
    ids=["garbage", "empty", "a part too many", "a frame without payload"],
)
def test_what_is_not_the_protocol_ends_the_connection(core: ClientCore, parts: list[bytes]) -> None:
    (lost,) = core.receive([memoryview(part) for part in parts], 0.0)
    assert isinstance(lost, ConnectionLost)
    assert "not the protocol" in lost.reason


def frame_header(number: int) -> FrameHeader:
    header, _ = vectors.SERVER["frame, rgb8"]
    assert isinstance(header, FrameHeader)
    return header.model_copy(update={"subscription": number, "skipped": 0})


def test_credits_are_granted_again_by_half_windows(core: ClientCore) -> None:
    _, number = core.subscribe("s1", WatchMode.EVERY, credits=5, pixel_format=PixelFormat.RGB8)
    assert sent(core)[0]["credits"] == 5
    granted = []
    for _ in range(9):
        (event,) = arrive(core, frame_header(number), payload=vectors.PIXELS.tobytes())
        assert isinstance(event, ReceivedFrame)
        core.consumed(number)
        granted += [message["credits"] for message in sent(core)]
    assert granted == [3, 3, 3]


def test_credits_by_hand(core: ClientCore) -> None:
    _, number = core.subscribe(
        "s1", WatchMode.EVERY, credits=1, pixel_format=PixelFormat.RGB8, automatic=False
    )
    sent(core)
    core.consumed(number)
    assert sent(core) == []
    core.grant(number, 4)
    assert sent(core) == [{"type": "grant_credits", "subscription": number, "credits": 4}]


def test_no_credits_are_granted_to_what_has_ended(core: ClientCore) -> None:
    numbers = [
        core.subscribe(story, WatchMode.EVERY, credits=1, pixel_format=PixelFormat.RGB8)[1]
        for story in ("s1", "s2")
    ]
    arrive(core, vectors.SERVER["story_closed"][0])
    core.unsubscribe(numbers[1])
    sent(core)
    for number in numbers:
        core.consumed(number)
    assert sent(core) == []


def test_a_damaged_frame_is_said_to_be_and_its_credit_comes_back(core: ClientCore) -> None:
    _, number = core.subscribe("s1", WatchMode.EVERY, credits=1, pixel_format=PixelFormat.RGB8)
    sent(core)
    broken = bytearray(vectors.PIXELS.tobytes())
    broken[3] ^= 1
    (event,) = arrive(core, frame_header(number), payload=bytes(broken))
    assert isinstance(event, FrameDamaged)
    assert "checksum" in event.reason
    assert [message["type"] for message in sent(core)] == ["grant_credits"]


def test_an_expected_reply_is_kept_and_others_are_events(core: ClientCore) -> None:
    request = core.close_story("s1", drain=True)
    core.expect(request)
    assert core.reply(request) is None
    assert arrive(core, m.Ack(request=request + 1)) == [m.Ack(request=request + 1)]
    assert arrive(core, m.Ack(request=request)) == []
    assert core.reply(request) == m.Ack(request=request)
    late = core.close_story("s1", drain=True)
    core.expect(late)
    core.forget(late)
    assert arrive(core, m.Ack(request=late)) == [m.Ack(request=late)]


def test_the_servers_state_is_kept(core: ClientCore) -> None:
    assert core.server.state is ServerStateName.LOADING
    arrive(core, m.ServerState(state=ServerStateName.READY, detail="warm"))
    assert (core.server.state, core.server.detail, core.server.model) == (
        ServerStateName.READY,
        "warm",
        "mini",
    )


def test_leaving_says_goodbye_only_when_there_is_somebody(core: ClientCore) -> None:
    core.leave("done")
    assert [message["reason"] for message in sent(core)] == ["done"]
    stranger = ClientCore("c", product="p", now=0.0)
    stranger.greet()
    stranger.leave()
    assert sent(stranger) == []


@pytest.mark.parametrize("answered", [False, True])
def test_a_subscription_given_up_while_the_connection_is_lost_does_not_stay_on_the_server(
    answered: bool,
) -> None:
    """Not answered yet, it is asked for again on the new connection, and has to be ended there."""
    core = ClientCore("unreal-01", product="test/1", now=0.0, reconnect_s=30.0)
    core.greet()
    told = vectors.SERVER["welcome"][0]
    ready = told.server.model_copy(update={"state": ServerStateName.READY})
    welcome = told.model_copy(update={"features": ("resume",), "server": ready})
    arrive(core, welcome)
    request, number = core.subscribe("s1", WatchMode.EVERY, credits=1, pixel_format=PixelFormat.RGB8)
    if answered:
        arrive(core, m.Subscribed(request=request, story_id="s1", subscription=number, first_frame=0))
    core.connection_lost("gone", 1.0)
    ended = core.unsubscribe(number)
    sent(core)
    core.greet()
    sent(core)
    news = arrive(core, welcome, 2.0)
    asked = [(message["type"], message["request"]) for message in sent(core)]
    acknowledged = [event.request for event in news if isinstance(event, m.Ack)]
    if answered:
        assert ("unsubscribe", ended) not in asked
        assert acknowledged == [ended]
    else:
        assert [kind for kind, _ in asked if kind != "resume_story"] == ["subscribe", "unsubscribe"]
        assert acknowledged == []
