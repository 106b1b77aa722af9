# SPDX-License-Identifier: Apache-2.0
"""Every limit of the endpoint on live sockets: what is over it is refused by name, value and limit."""

from __future__ import annotations

import socket
import time
from typing import Any

import msgpack
import pytest
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService
from shotstream_bridge import (
    BeatOutcome,
    BeatStage,
    BeatStatus,
    Client,
    EndpointLimits,
    HandshakeRefusedError,
    Quotas,
    doorkeeper,
    endpoint_loop,
)
from shotstream_bridge.rate import PeerRates, TokenBucket
from test_wire import PlainSocket


def submit(dealer: RawDealer, beat_id: str, story_id: str = "s1") -> dict[str, Any]:
    beat = {"id": beat_id, "text": "A fox.", "mode": "cut", "policy": None, "chunks": None}
    dealer.say(type="submit_beat", request=9, story_id=story_id, beat=beat)
    return dealer.hear_type("beat_status")


def done(service: ScriptedService, beat_id: str, story_id: str = "s1") -> None:
    service.endpoint.publish(
        BeatStatus(
            story_id=story_id,
            beat_id=beat_id,
            stage=BeatStage.DONE,
            outcome=BeatOutcome.COMPLETED,
            frames=0,
        )
    )


def test_quotas_are_told_to_a_client_that_knows_of_them() -> None:
    quotas = Quotas(beats_per_story=5)
    with ScriptedService(quotas=quotas) as service, RawDealer(service.endpoint.address) as dealer:
        welcome = dealer.hello(features=["quotas", "time_travel"])
        assert welcome["features"] == ["quotas"]
        assert welcome["quotas"] == quotas.model_dump()


def test_a_client_without_features_gets_the_first_form(service: ScriptedService) -> None:
    with RawDealer(service.endpoint.address) as dealer:
        assert list(dealer.hello())[-1] == "limits"


def test_beats_of_a_story_are_counted_and_known_ones_are_not() -> None:
    with (
        ScriptedService(quotas=Quotas(beats_per_story=2)) as service,
        RawDealer(service.endpoint.address) as raw,
    ):
        raw.hello()
        raw.open()
        for beat_id in ("b1", "b2", "b1"):
            assert submit(raw, beat_id)["stage"] == "accepted"
        # A beat that is done still counts: the limit is on what is remembered of a story.
        done(service, "b1")
        assert raw.hear_type("beat_status")["stage"] == "done"
        refused = submit(raw, "b3")
        assert (refused["stage"], refused["code"], refused["field"]) == ("rejected", "too_many_beats", "beat")
        assert "story s1 has had 2 beats; beats_per_story is 2" in refused["reason"]
        assert not refused["retryable"]
        asked = [request.beat_id for name, _, request in _calls(service) if name == "submit_beat"]
        assert asked == ["b1", "b2", "b1"], "the host was not bothered"


def _calls(service: ScriptedService) -> list[tuple[str, str, Any]]:
    return [service.calls.get_nowait() for _ in range(service.calls.qsize())]


def test_beats_in_work_are_counted_over_all_stories() -> None:
    with (
        ScriptedService(quotas=Quotas(beats_in_work=2)) as service,
        RawDealer(service.endpoint.address) as one,
        RawDealer(service.endpoint.address) as two,
    ):
        one.hello("one")
        two.hello("two")
        one.open("s1")
        two.open("s2")
        assert submit(one, "b1", "s1")["stage"] == "accepted"
        assert submit(two, "b1", "s2")["stage"] == "accepted"
        refused = submit(one, "b2", "s1")
        assert (refused["code"], refused["retryable"]) == ("queue_full", True)
        assert "2 beats are in work on this server; beats_in_work is 2" in refused["reason"]
        done(service, "b1", "s2")
        assert two.hear_type("beat_status")["stage"] == "done"
        assert submit(one, "b2", "s1")["stage"] == "accepted"
        # A story that ends takes its beats out of the count.
        service.close("s1")
        assert one.hear_type("story_closed")
        for beat_id in ("b2", "b3"):
            assert submit(two, beat_id, "s2")["stage"] == "accepted"
        assert submit(two, "b4", "s2")["code"] == "queue_full"


def test_messages_over_the_rate_are_refused_and_later_ones_are_not() -> None:
    with (
        ScriptedService(quotas=Quotas(messages_per_s=20.0)) as service,
        RawDealer(service.endpoint.address) as raw,
    ):
        raw.hello()
        for request in range(90):
            raw.say(type="cancel_beat", request=request, story_id="s", beat_id="b")
        answers = [raw.hear() for _ in range(90)]
        acks = [answer["request"] for answer in answers if answer["type"] == "ack"]
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert 80 <= len(acks) < 90
        assert {answer["code"] for answer in refused} == {"rate_limited"}
        assert all("messages_per_s, which is 20" in answer["reason"] for answer in refused)
        assert all(answer["retryable"] for answer in refused)
        assert sorted(acks + [answer["request"] for answer in refused]) == list(range(90))
        time.sleep(0.2)
        raw.say(type="cancel_beat", request=99, story_id="s", beat_id="b")
        assert raw.hear() == {"type": "ack", "request": 99}


def test_a_flood_ends_with_its_connection(service: ScriptedService) -> None:
    with (
        ScriptedService(quotas=Quotas(messages_per_s=10.0)) as strict,
        RawDealer(strict.endpoint.address) as flood,
        RawDealer(strict.endpoint.address) as other,
    ):
        flood.hello("flood")
        other.hello("other")
        for _ in range(200):
            flood.say(type="heartbeat")
        assert strict.gone.get(timeout=PATIENCE_S) == "flood"
        assert "messages_per_s, which is 10" in flood.hear_type("goodbye")["reason"]
        assert other.open()["type"] == "story_opened"


def test_hellos_of_an_address_are_counted() -> None:
    with ScriptedService(quotas=Quotas(connections_per_s=1.0)) as service:
        address = service.endpoint.address
        for _ in range(4):
            Client.connect(address).close()
        with pytest.raises(HandshakeRefusedError, match="connections_per_s, which is 1") as caught:
            Client.connect(address)
        assert (caught.value.code, caught.value.retryable) == ("rate_limited", True)


def test_a_part_just_under_the_size_limit_is_answered_and_one_over_it_is_not() -> None:
    limits = EndpointLimits(message_bytes=100_000)
    with ScriptedService(limits=limits) as service:
        with RawDealer(service.endpoint.address) as raw:
            raw.hello("raw")
            raw.send(b"\xc0" * 100_000)
            error = raw.hear()
            assert error["code"] == "too_large"
            assert "the message has 100000 bytes; at most 65536 are allowed" in error["reason"]
        assert service.gone.get(timeout=PATIENCE_S) == "raw"
        with RawDealer(service.endpoint.address) as raw:
            raw.hello("giant", heartbeat_s=0.05)
            raw.send(b"\xc0" * 100_001)
            assert service.gone.get(timeout=PATIENCE_S) == "giant"


def ends(peer: socket.socket, seconds: float) -> bool:
    """Whether a connection is closed within a time."""
    peer.settimeout(seconds)
    try:
        while peer.recv(4_096):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True
    return True


def test_connections_that_are_nobodys_are_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_loop, "HELLO_S", 0.5)
    with ScriptedService() as service, RawDealer(service.endpoint.address) as welcomed:
        welcomed.hello("welcomed", heartbeat_s=30.0, timeout_s=60.0)
        silent = [PlainSocket(service.endpoint.address) for _ in range(20)]
        started = time.monotonic()
        assert all(ends(plain.socket, PATIENCE_S) for plain in silent)
        assert time.monotonic() - started > 0.3
        # A client's own connection stays, however long it is silent.
        time.sleep(1.0)
        monitor = welcomed.socket.get_monitor_socket()
        assert welcomed.open()["type"] == "story_opened"
        assert not monitor.poll(0)
        welcomed.socket.disable_monitor()
        monitor.close()


def test_a_crowd_of_strangers_leaves_room_for_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorkeeper, "MOST_STRANGERS", 5)
    with ScriptedService() as service, RawDealer(service.endpoint.address) as welcomed:
        welcomed.hello("welcomed")
        crowd = [PlainSocket(service.endpoint.address) for _ in range(20)]
        started = time.monotonic()
        # Long before they have been silent for too long, all but as many as may be there are shown out.
        assert all(ends(plain.socket, PATIENCE_S) for plain in crowd[:-5])
        assert time.monotonic() - started < endpoint_loop.HELLO_S / 2
        assert not any(ends(plain.socket, 0.1) for plain in crowd[-5:])
        with RawDealer(service.endpoint.address) as late:
            late.hello("late")
        assert welcomed.open()["type"] == "story_opened"


def test_the_connection_of_a_client_that_left_is_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_loop, "HELLO_S", 0.3)
    with ScriptedService() as service:
        plain = PlainSocket(service.endpoint.address)
        plain.say(type="hello", versions=[1], client_id="plain", product="plain/1")
        assert msgpack.unpackb(plain.message()[0])["type"] == "welcome"
        assert not ends(plain.socket, 0.6)
        plain.say(type="goodbye")
        assert service.gone.get(timeout=PATIENCE_S) == "plain"
        assert ends(plain.socket, PATIENCE_S)


def test_what_a_peer_sends_does_not_forge_log_lines(
    service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with RawDealer(service.endpoint.address) as raw:
        raw.say(type="hello", versions=[1], client_id="c", product="a\n2026 ERROR forged\x1b[2J%s{0}")
        assert raw.hear()["type"] == "welcome"
        raw.say(type="goodbye", reason="bye\nforged")
        assert service.gone.get(timeout=PATIENCE_S) == "c"
    lines = [record.getMessage() for record in caplog.records]
    assert "client c connected (a?2026 ERROR forged?[2J%s{0})" in lines
    assert "client c gone: bye?forged" in lines


# --- the buckets ------------------------------------------------------------------------------------------


def test_a_bucket_gives_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(10.0, 0.0)
    assert [bucket.take(0.0) for _ in range(41)] == [True] * 40 + [False]
    assert [bucket.take(0.25) for _ in range(3)] == [True, True, False]
    assert sum(bucket.take(1_000.0) for _ in range(100)) == 40


def test_peers_have_their_own_buckets_and_old_ones_are_forgotten() -> None:
    rates = PeerRates(1.0)
    assert [rates.take("a", 0.0) for _ in range(5)] == [True] * 4 + [False]
    assert rates.take("b", 0.0)
    for number in range(10_000):
        rates.take(str(number), 0.0)
    assert len(rates._buckets) == 4_096
