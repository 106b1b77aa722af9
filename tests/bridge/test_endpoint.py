# SPDX-License-Identifier: Apache-2.0
"""The server over real sockets: requests, news, credits, several watchers."""

from __future__ import annotations

import threading
import time

import pytest
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService
from shotstream_bridge import (
    BeatOutcome,
    BeatStage,
    BeatStatus,
    EndpointLimits,
    ErrorCode,
    Notice,
    RequestRejected,
    ServerState,
    ServerStateName,
    endpoint_loop,
)


def submit(
    dealer: RawDealer, beat_id: str = "b1", story_id: str = "s1", request: int = 9
) -> dict[str, object]:
    beat = {"id": beat_id, "text": "A fox.", "mode": "cut", "policy": None, "chunks": None}
    dealer.say(type="submit_beat", request=request, story_id=story_id, beat=beat)
    return dealer.hear_type("beat_status")


# --- handshake --------------------------------------------------------------------------------------------


def test_welcome_tells_version_heartbeat_service_and_limits(service: ScriptedService) -> None:
    with RawDealer(service.endpoint.address) as dealer:
        welcome = dealer.hello("c", heartbeat_s=0.001, timeout_s=0.001)
    assert welcome["version"] == 1
    assert welcome["client_id"] == "c"
    assert (welcome["heartbeat_s"], welcome["timeout_s"]) == (0.05, pytest.approx(0.15))
    assert welcome["server"]["model"] == "scripted"
    assert welcome["limits"] == service.endpoint.limits.model_dump()


def test_versions_in_common_are_settled_on_the_highest(service: ScriptedService) -> None:
    with RawDealer(service.endpoint.address) as dealer:
        dealer.say(type="hello", versions=[9, 1, 0], client_id="c", product="p")
        assert dealer.hear()["version"] == 1


def test_too_many_clients_are_refused_and_may_come_later() -> None:
    with (
        ScriptedService(limits=EndpointLimits(clients=1)) as service,
        RawDealer(service.endpoint.address) as first,
        RawDealer(service.endpoint.address) as second,
    ):
        assert first.hello("one")["type"] == "welcome"
        refused = second.hello("two")
        assert (refused["code"], refused["retryable"]) == ("too_many_clients", True)
        first.say(type="goodbye")
        assert service.gone.get(timeout=PATIENCE_S) == "one"
        assert second.hello("two")["type"] == "welcome"


def test_a_client_that_returns_takes_over_from_its_old_connection(service: ScriptedService) -> None:
    with RawDealer(service.endpoint.address) as old, RawDealer(service.endpoint.address) as new:
        old.hello("same")
        old.open()
        old.subscribe(credits=1)
        assert new.hello("same")["type"] == "welcome"
        assert "another connection" in old.hear_type("goodbye")["reason"]
        # It still owns its story, and the old connection watches no more.
        service.publish_frames("s1", 1)
        service.endpoint.publish(
            BeatStatus(story_id="s1", beat_id="b", stage=BeatStage.SCHEDULED, shot=0, first_frame=0)
        )
        assert new.hear()["stage"] == "scheduled"
        assert old.is_quiet(0.05)
        old.say(type="heartbeat")
        assert old.hear()["code"] == "hello_required"
        assert service.gone.empty()


# --- requests ---------------------------------------------------------------------------------------------


def test_requests_reach_the_service_in_order_with_their_client(
    service: ScriptedService, raw: RawDealer
) -> None:
    assert raw.open()["request"] == 1
    assert submit(raw)["stage"] == "accepted"
    raw.say(type="cancel_beat", request=3, story_id="s1", beat_id="b1")
    assert raw.hear() == {"type": "ack", "request": 3}
    raw.say(type="close_story", request=4, story_id="s1", drain=False)
    assert raw.hear() == {"type": "ack", "request": 4}
    calls = [service.calls.get_nowait() for _ in range(4)]
    assert [call[0] for call in calls] == ["open_story", "submit_beat", "cancel_beat", "close_story"]
    assert {call[1] for call in calls} == {"raw"}


def test_a_refused_beat_is_rejected_with_its_reason(service: ScriptedService, raw: RawDealer) -> None:
    raw.open()
    service.break_next = RequestRejected(ErrorCode.QUEUE_FULL, "100 beats wait", field="beat")
    status = submit(raw, request=77)
    assert status["stage"] == "rejected"
    assert (status["request"], status["story_id"], status["beat_id"]) == (77, "s1", "b1")
    assert (status["code"], status["field"], status["retryable"]) == ("queue_full", "beat", True)


def test_a_refused_request_is_an_error_with_its_reason(service: ScriptedService, raw: RawDealer) -> None:
    service.break_next = RequestRejected(ErrorCode.NOT_READY, "loading", retryable=False)
    raw.say(type="open_story", request=5, story_id="s1", global_caption="", seed=0)
    error = raw.hear()
    assert (error["type"], error["request"], error["story_id"]) == ("error", 5, "s1")
    assert (error["code"], error["retryable"]) == ("not_ready", False)


@pytest.mark.parametrize("reason_length", [10, 10_000])
def test_a_service_that_fails_costs_one_request(
    service: ScriptedService, raw: RawDealer, reason_length: int
) -> None:
    raw.open()
    service.break_next = ValueError("x" * reason_length)
    assert submit(raw)["code"] == "internal"
    service.break_next = RequestRejected(ErrorCode.BUSY, "y" * reason_length, field="z" * reason_length)
    assert submit(raw)["code"] == "busy"
    assert submit(raw)["stage"] == "accepted"


def test_a_service_that_fails_in_the_handshake_refuses_it(service: ScriptedService) -> None:
    with RawDealer(service.endpoint.address) as dealer:
        service.break_next = ValueError("no model")
        assert dealer.hello()["code"] == "internal"
        assert dealer.hello()["type"] == "welcome"


def test_a_service_that_fails_on_a_departure(service: ScriptedService, raw: RawDealer) -> None:
    service.break_next = ValueError("again")
    raw.say(type="goodbye")
    assert service.gone.get(timeout=PATIENCE_S) == "raw"
    with RawDealer(service.endpoint.address) as dealer:
        assert dealer.hello()["type"] == "welcome"


# --- news -------------------------------------------------------------------------------------------------


def test_stages_go_to_owner_and_watchers_and_to_nobody_else(service: ScriptedService, raw: RawDealer) -> None:
    with RawDealer(service.endpoint.address) as watcher, RawDealer(service.endpoint.address) as other:
        raw.open()
        watcher.hello("watcher")
        watcher.subscribe()
        other.hello("other")
        assert submit(raw)["request"] == 9
        seen = watcher.hear()
        assert (seen["stage"], seen["request"]) == ("accepted", None)
        done = BeatStatus(
            story_id="s1", beat_id="b1", stage=BeatStage.DONE, outcome=BeatOutcome.COMPLETED, frames=0
        )
        service.endpoint.publish(done)
        assert raw.hear()["stage"] == watcher.hear()["stage"] == "done"
        service.endpoint.publish(Notice(code="hot", text="it is hot"))
        service.endpoint.publish(ServerState(state=ServerStateName.STOPPING))
        for dealer in (raw, watcher, other):
            assert dealer.hear()["code"] == "hot"
            assert dealer.hear()["state"] == "stopping"


def test_story_closed_follows_the_last_frame_of_a_watcher_without_credits(
    service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but what happens wakes the server: a message that is due must not wait for the next heartbeat.
    monkeypatch.setattr(endpoint_loop, "LONGEST_WAIT_S", 60.0)
    with RawDealer(service.endpoint.address) as raw:
        raw.hello(heartbeat_s=30.0, timeout_s=120.0)
        raw.open()
        raw.subscribe(credits=2)
        service.publish_frames("s1", 5)
        service.close("s1")
        assert [raw.hear_frame()[0]["index"] for _ in range(2)] == [0, 1]
        assert raw.is_quiet(0.05)
        raw.say(type="grant_credits", subscription=0, credits=100)
        kinds = [raw.hear()["type"] for _ in range(4)]
        assert kinds == ["frame", "frame", "frame", "story_closed"]
        # The subscription ended with it: late credits are ignored, and its number is free again.
        raw.say(type="grant_credits", subscription=0, credits=1)
        raw.open("s2")
        raw.subscribe("s2")


def test_wait_sent_waits_for_frames_with_credits_and_for_the_end_of_a_story(
    service: ScriptedService, raw: RawDealer
) -> None:
    endpoint = service.endpoint
    raw.open()
    raw.subscribe(credits=2)
    assert endpoint.wait_sent(PATIENCE_S)
    # Without credits the third frame of an open story cannot be sent, and is not waited for.
    service.publish_frames("s1", 3)
    assert endpoint.wait_sent(PATIENCE_S)
    assert [raw.hear_frame()[0]["index"] for _ in range(2)] == [0, 1]
    # The end of the story stands behind it.
    service.close("s1")
    started = time.monotonic()
    assert not endpoint.wait_sent(0.1)
    assert 0.1 <= time.monotonic() - started < 5
    waited: list[bool] = []
    waiter = threading.Thread(target=lambda: waited.append(endpoint.wait_sent(PATIENCE_S)))
    waiter.start()
    raw.say(type="grant_credits", subscription=0, credits=1)
    waiter.join(PATIENCE_S)
    assert waited == [True]
    assert [raw.hear()["type"] for _ in range(2)] == ["frame", "story_closed"]


def test_wait_sent_on_clients_that_leave_and_on_an_endpoint_that_does_not_run() -> None:
    service = ScriptedService()
    endpoint = service.endpoint
    assert not endpoint.wait_sent(PATIENCE_S)
    endpoint.start()
    with RawDealer(endpoint.address) as raw:
        raw.hello()
        raw.open()
        raw.subscribe(credits=1)
        service.publish_frames("s1", 3)
        service.close("s1")
        raw.say(type="goodbye")
        assert endpoint.wait_sent(PATIENCE_S)
    endpoint.stop()
    assert not endpoint.wait_sent(PATIENCE_S)


# --- life -------------------------------------------------------------------------------------------------


def test_stop_tells_the_clients_and_lets_waiting_generators_go() -> None:
    service = ScriptedService(limits=EndpointLimits(backlog_frames=2))
    service.endpoint.start()
    with RawDealer(service.endpoint.address) as raw:
        raw.hello()
        raw.open()
        raw.subscribe(credits=1)
        service.publish_frames("s1", 4)
        waited: list[bool] = []
        waiter = threading.Thread(
            target=lambda: waited.append(service.endpoint.wait_wants_frames("s1", PATIENCE_S))
        )
        waiter.start()
        service.endpoint.publish(Notice(code="last", text="words"))
        service.endpoint.stop()
        assert raw.hear_type("notice")["code"] == "last"
        # News overtake frames: the one frame with a credit may come between the two.
        assert raw.hear_type("goodbye")["reason"] == "the server is stopping"
        waiter.join(PATIENCE_S)
        assert waited == [True]
    # Publishing into a stopped endpoint is no fault of the host's threads.
    service.publish_frames("s1", 1)
    service.endpoint.publish(Notice(code="late", text="words"))


def test_stop_does_not_hang_on_a_client_that_does_not_read() -> None:
    service = ScriptedService(limits=EndpointLimits(outbox_messages=100_000))
    service.endpoint.start()
    with RawDealer(service.endpoint.address, receive_limit=1) as raw:
        raw.hello()
        text = "x" * 4_000
        for _ in range(5_000):
            service.endpoint.publish(Notice(code="flood", text=text))
        started = time.monotonic()
        service.endpoint.stop(0.3)
        assert time.monotonic() - started < 3


def test_a_client_that_does_not_read_is_dropped_at_its_outboxes_limit() -> None:
    with ScriptedService(limits=EndpointLimits(outbox_messages=50)) as service:
        with RawDealer(service.endpoint.address, receive_limit=1) as raw:
            raw.hello("deaf", timeout_s=100.0)
            text = "x" * 4_000
            for _ in range(20_000):
                service.endpoint.publish(Notice(code="flood", text=text))
                if not service.gone.empty():
                    break
            assert service.gone.get(timeout=PATIENCE_S) == "deaf"
        with RawDealer(service.endpoint.address) as raw:
            assert raw.hello()["type"] == "welcome"


def test_publishing_never_blocks_and_threads_may_publish_at_once(
    service: ScriptedService, raw: RawDealer
) -> None:
    for name in ("s1", "s2", "s3", "s4"):
        raw.open(name)
        raw.subscribe(name, subscription=int(name[1]), credits=64)
    threads = [
        threading.Thread(target=service.publish_frames, args=(name, 50)) for name in ("s1", "s2", "s3", "s4")
    ]
    for thread in threads:
        thread.start()
    seen: dict[int, list[int]] = {1: [], 2: [], 3: [], 4: []}
    for _ in range(200):
        header, _ = raw.hear_frame()
        seen[header["subscription"]].append(header["index"])
    for thread in threads:
        thread.join()
    assert all(indices == list(range(50)) for indices in seen.values())
