# SPDX-License-Identifier: Apache-2.0
"""Subscriptions over real sockets: credits, pace, several watchers, what generation waits for."""

from __future__ import annotations

import threading

import pytest
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService, frame
from shotstream_bridge import BacklogOverflowError, EndpointLimits
from shotstream_bridge.flow import OVERRUN_FRAMES


def test_every_gets_every_frame_exactly(service: ScriptedService, raw: RawDealer) -> None:
    raw.open()
    raw.subscribe(credits=3)
    service.publish_frames("s1", 40)
    for index in range(40):
        header, payload = raw.hear_frame()
        assert (header["index"], header["skipped"]) == (index, 0)
        assert payload == frame("s1", index).pixels.tobytes()
        raw.say(type="grant_credits", subscription=0, credits=1)


def test_latest_gets_the_newest_and_the_count_of_the_others(service: ScriptedService, raw: RawDealer) -> None:
    raw.open()
    raw.subscribe(mode="latest", credits=1)
    service.publish_frames("s1", 1)
    assert raw.hear_frame()[0]["index"] == 0
    service.publish_frames("s1", 9)
    raw.say(type="grant_credits", subscription=0, credits=2)
    header, _ = raw.hear_frame()
    assert (header["index"], header["skipped"]) == (9, 8)
    service.publish_frames("s1", 1)
    header, _ = raw.hear_frame()
    assert (header["index"], header["skipped"]) == (10, 0)
    assert service.endpoint.wants_frames("s1")


def test_a_full_backlog_makes_generation_wait_until_half_is_gone() -> None:
    with ScriptedService(limits=EndpointLimits(backlog_frames=8)) as service:
        endpoint = service.endpoint
        with RawDealer(endpoint.address) as raw:
            raw.hello()
            raw.open()
            raw.subscribe(credits=1)
            assert endpoint.wait_wants_frames("s1", 0)
            service.publish_frames("s1", 9)
            raw.hear_frame()
            assert not endpoint.wants_frames("s1")
            assert not endpoint.wait_wants_frames("s1", 0.02)
            assert endpoint.wants_frames("another story")
            woken = threading.Event()
            waiter = threading.Thread(
                target=lambda: endpoint.wait_wants_frames("s1", PATIENCE_S) and woken.set()
            )
            waiter.start()
            raw.say(type="grant_credits", subscription=0, credits=4)
            assert woken.wait(PATIENCE_S)
            waiter.join()
            assert [raw.hear_frame()[0]["index"] for _ in range(4)] == [1, 2, 3, 4]


def test_a_publisher_that_does_not_wait_is_told() -> None:
    with (
        ScriptedService(limits=EndpointLimits(backlog_frames=8)) as service,
        RawDealer(service.endpoint.address) as raw,
    ):
        raw.hello()
        raw.open()
        raw.subscribe(credits=1)
        with pytest.raises(BacklogOverflowError, match=r"story s1.*wants_frames"):
            service.publish_frames("s1", 8 + OVERRUN_FRAMES + 2)


def test_unsubscribing_frees_generation_and_no_frame_follows() -> None:
    with (
        ScriptedService(limits=EndpointLimits(backlog_frames=4)) as service,
        RawDealer(service.endpoint.address) as raw,
    ):
        raw.hello()
        raw.open()
        raw.subscribe(credits=1)
        service.publish_frames("s1", 6)
        raw.hear_frame()
        assert not service.endpoint.wants_frames("s1")
        for _ in range(2):
            raw.say(type="unsubscribe", request=8, subscription=0)
            assert raw.hear() == {"type": "ack", "request": 8}
        assert service.endpoint.wants_frames("s1")
        service.publish_frames("s1", 3)
        raw.say(type="grant_credits", subscription=0, credits=1)
        assert raw.is_quiet(0.05)


def test_watchers_of_one_story_go_at_their_own_pace(service: ScriptedService, raw: RawDealer) -> None:
    with RawDealer(service.endpoint.address) as live, RawDealer(service.endpoint.address) as film:
        raw.open()
        live.hello("live")
        film.hello("film")
        live.subscribe(mode="latest", credits=1, format="jpeg", quality=50)
        film.subscribe(credits=30, format="bgra8", checksum=False)
        service.publish_frames("s1", 30)
        indices = [film.hear_frame()[0]["index"] for _ in range(30)]
        assert indices == list(range(30))
        accounted = 0
        while accounted < 30:
            header, payload = live.hear_frame()
            assert header["format"] == "jpeg"
            assert payload[:2] == b"\xff\xd8"
            accounted += 1 + header["skipped"]
            assert header["index"] == accounted - 1
            live.say(type="grant_credits", subscription=0, credits=1)


def test_two_subscriptions_of_one_client(service: ScriptedService, raw: RawDealer) -> None:
    raw.open()
    raw.subscribe(subscription=7, format="rgb8")
    raw.subscribe(subscription=8, format="png")
    service.publish_frames("s1", 1)
    formats = {}
    for _ in range(2):
        header, payload = raw.hear_frame()
        formats[header["subscription"]] = (header["format"], payload[:4])
    assert formats[7] == ("rgb8", frame("s1", 0).pixels.tobytes()[:4])
    assert formats[8] == ("png", b"\x89PNG")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"subscription": 0}, "subscription_exists", "subscription"),
        ({"story_id": "s9"}, "unknown_story", "story_id"),
        ({"credits": 300}, "too_many_credits", "credits"),
        ({}, "too_many_subscriptions", "subscription"),
    ],
)
def test_a_subscription_that_cannot_be(changes: dict[str, object], code: str, field: str | None) -> None:
    many = 2 if code != "too_many_subscriptions" else 1
    with (
        ScriptedService(limits=EndpointLimits(subscriptions_per_client=many)) as service,
        RawDealer(service.endpoint.address) as raw,
    ):
        raw.hello()
        raw.open()
        raw.subscribe()
        fields = {"subscription": 1, "story_id": "s1", "mode": "every", "credits": 1, "format": "rgb8"}
        raw.say(type="subscribe", request=6, **{**fields, **changes})
        error = raw.hear()
        assert (error["request"], error["code"], error["field"]) == (6, code, field)


def test_credits_beyond_the_limit_are_refused_and_the_rest_stands(
    service: ScriptedService, raw: RawDealer
) -> None:
    raw.open()
    raw.subscribe(credits=256)
    raw.say(type="grant_credits", subscription=0, credits=1)
    assert raw.hear()["code"] == "too_many_credits"
    service.publish_frames("s1", 1)
    assert raw.hear_frame()[0]["index"] == 0
