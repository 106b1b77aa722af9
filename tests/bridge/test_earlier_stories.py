# SPDX-License-Identifier: Apache-2.0
"""Stories that the host has from before: found when they are asked for, and read from its archive."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from raw_dealer import RawDealer
from scripted_service import HEIGHT, PATIENCE_S, WIDTH, ScriptedService, frame, picture
from shotstream_bridge import (
    BeatScript,
    BeatStatus,
    Client,
    ClientEvent,
    ErrorCode,
    FramesMissed,
    Quotas,
    ReceivedFrame,
    RequestFailedError,
    RequestRejected,
    ServerStateName,
    StoryClosed,
    StoryEnd,
    StoryOpened,
    SubmitBeat,
)
from shotstream_bridge.flow import CatchingUpFlow
from shotstream_bridge.frame_memory import FrameMemory
from shotstream_bridge.messages import ServerState
from shotstream_bridge.payload import SharedPayloads
from shotstream_bridge.request_order import MOST_WAITING, Awaited, RequestOrder
from shotstream_bridge.requests import CloseStory, GrantCredits, Heartbeat
from shotstream_bridge.service import EarlierFrames, KnownStory

FRAME_BYTES = WIDTH * HEIGHT * 3
ARCHIVED = 100
CHUNK = 12


class ArchivingService(ScriptedService):
    """Has one story of 100 frames from before; finds it on a thread of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(quotas=Quotas(kept_bytes=4 * FRAME_BYTES), **options)
        self.closed: StoryClosed | None = None
        self.user: bytes | None = None
        self.suspended: list[str] = []
        self.refusals: list[RequestRejected] = []
        self.read_on: set[str] = set()
        self.damaged = range(0)

    def find_story(self, story_id: str) -> Future[None] | None:
        if story_id != "old":
            return None
        found: Future[None] = Future()
        threading.Thread(target=self._find, args=(found,), name="finder").start()
        return found

    def _find(self, found: Future[None]) -> None:
        time.sleep(0.05)
        if self.refusals:
            found.set_exception(self.refusals.pop())
            return
        opened = StoryOpened(
            request=0, story_id="old", width=WIDTH, height=HEIGHT, fps=16.0, chunks_per_shot=7
        )
        done = {"outcome": "completed", "frames": ARCHIVED, "shot": 0, "first_frame": 0}
        beat = BeatStatus.model_validate({"story_id": "old", "beat_id": "b", "stage": "done", **done})
        self.stories.add("old")
        self.owners["old"] = "c"
        self.frames_made["old"] = ARCHIVED
        self.endpoint.adopt(
            KnownStory(
                opened=opened, owner="c", user=self.user, beats=(beat,), frames=ARCHIVED, closed=self.closed
            )
        )
        found.set_result(None)

    def keeps_stories(self) -> bool:
        return True

    def suspend_story(self, story_id: str) -> bool:
        self.suspended.append(story_id)
        return story_id == "old"

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        self.read_on.add(threading.current_thread().name)
        following = min(ARCHIVED, (first // CHUNK + 1) * CHUNK)
        indices = [index for index in range(first, following) if index not in self.damaged]
        damage = None if len(indices) == following - first else "chunk.mkv is damaged"
        return EarlierFrames([frame(story_id, index) for index in indices], following, damage)


@pytest.fixture
def archive() -> Iterator[ArchivingService]:
    with ArchivingService() as running:
        yield running


def until_frame(client: Client, last: int) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    deadline = time.monotonic() + PATIENCE_S
    while not any(isinstance(e, ReceivedFrame) and e.header.index == last for e in events):
        assert time.monotonic() < deadline, events[-3:]
        events += client.pump(0.05)
    return events


def frames(events: list[ClientEvent]) -> list[ReceivedFrame]:
    return [event for event in events if isinstance(event, ReceivedFrame)]


def test_old_frames_are_read_elsewhere_and_new_ones_follow(archive: ArchivingService) -> None:
    with Client.connect(archive.endpoint.address) as client:
        client.story("old").subscribe("every", credits=8, from_frame=5, wait=PATIENCE_S)
        events = until_frame(client, ARCHIVED - 1)
        archive.publish_frames("old", 10)
        events += until_frame(client, ARCHIVED + 9)
    assert [e.header.index for e in frames(events)] == list(range(5, ARCHIVED + 10))
    assert all(np.array_equal(e.rgb(), picture(e.header.index)) for e in frames(events))
    assert all(name.startswith("shotstream-archive") for name in archive.read_on)


def test_an_ended_story_is_followed_by_its_end(archive: ArchivingService) -> None:
    archive.closed = StoryClosed(story_id="old", end=StoryEnd.DRAINED, shots=1, frames=ARCHIVED)
    with Client.connect(archive.endpoint.address) as client:
        client.story("old").subscribe("every", credits=8, from_frame=0, wait=PATIENCE_S)
        events = until_frame(client, ARCHIVED - 1)
        deadline = time.monotonic() + PATIENCE_S
        while not any(isinstance(event, StoryClosed) for event in events):
            assert time.monotonic() < deadline
            events += client.pump(0.05)
    assert len(frames(events)) == ARCHIVED
    assert isinstance(events[-1], StoryClosed)


def test_what_is_damaged_is_counted_and_told(archive: ArchivingService) -> None:
    archive.damaged = range(30, 36)
    with Client.connect(archive.endpoint.address) as client:
        client.story("old").subscribe("every", credits=8, from_frame=0, wait=PATIENCE_S)
        events = until_frame(client, ARCHIVED - 1)
    assert [e.header.index for e in frames(events)] == [*range(30), *range(36, ARCHIVED)]
    (missed,) = [event for event in events if isinstance(event, FramesMissed)]
    assert (missed.first, missed.count) == (30, 6)
    (notice,) = [event for event in events if getattr(event, "code", "") == "frames_damaged"]
    assert "chunk.mkv is damaged" in notice.text


def test_a_story_that_is_nowhere_stays_unknown(archive: ArchivingService) -> None:
    with Client.connect(archive.endpoint.address) as client:
        with pytest.raises(RequestFailedError) as caught:
            client.story("new").subscribe(wait=PATIENCE_S)
        assert caught.value.code == "unknown_story"


def test_its_owner_may_steer_it_and_others_may_not_with_another_key(archive: ArchivingService) -> None:
    archive.user = b"k" * 40
    with Client.connect(archive.endpoint.address, client_id="c") as client:
        # Without keys on this server the key of before does not matter.
        client.story("old").submit_beat(BeatScript(id="n", text="A fox."), wait=PATIENCE_S)
    ledger = archive.endpoint._loop._dispatcher._ledger
    with pytest.raises(RequestRejected) as caught:
        ledger.check_key("old", "c", b"x" * 40)
    assert caught.value.code is ErrorCode.NOT_OWNER
    ledger.check_key("old", "c", archive.user)


def test_a_refusal_for_now_is_asked_again(archive: ArchivingService) -> None:
    """The client comes back to a server that cannot take its story up twice in a row."""
    from tcp_proxy import TcpProxy

    with (
        TcpProxy(archive.endpoint.address) as proxy,
        Client.connect(proxy.address, client_id="c") as client,
    ):
        client.story("old").subscribe("every", credits=8, from_frame=0, wait=PATIENCE_S)
        events = until_frame(client, ARCHIVED - 1)
        archive.endpoint._loop._dispatcher._ledger.remove("old")
        archive.refusals = [RequestRejected(ErrorCode.BUSY, "not now") for _ in range(2)]
        proxy.cut()
        deadline = time.monotonic() + PATIENCE_S
        while archive.refusals or not archive.endpoint._watchers.is_watched("old"):
            assert time.monotonic() < deadline
            events += client.pump(0.05)
        archive.publish_frames("old", 3)
        events += until_frame(client, ARCHIVED + 2)
    assert [e.header.index for e in frames(events)] == list(range(ARCHIVED + 3))
    assert not any(isinstance(event, StoryClosed) for event in events)


def test_a_client_that_comes_back_waits_until_the_server_is_ready(archive: ArchivingService) -> None:
    from tcp_proxy import TcpProxy

    with (
        TcpProxy(archive.endpoint.address) as proxy,
        Client.connect(proxy.address, client_id="c") as client,
    ):
        story = client.story("old")
        story.subscribe("every", credits=8, from_frame=ARCHIVED, wait=PATIENCE_S)
        archive.state = ServerStateName.LOADING
        proxy.cut()
        deadline = time.monotonic() + PATIENCE_S
        while not client.core._holding:
            assert time.monotonic() < deadline
            client.pump(0.02)
        story.submit_beat(BeatScript(id="n", text="A fox."))
        client.pump(0.3)
        assert not archive.endpoint._watchers.is_watched("old")
        assert not any(name == "submit_beat" for name, _, _ in list(archive.calls.queue))
        archive.state = ServerStateName.READY
        archive.endpoint.publish(ServerState(state=ServerStateName.READY))
        archive.publish_frames("old", 2)
        events = until_frame(client, ARCHIVED + 1)
        assert [e.header.index for e in frames(events)] == [ARCHIVED, ARCHIVED + 1]


def test_who_is_alone_for_long_enough_is_suspended() -> None:
    with ArchivingService() as service:
        service.endpoint._loop._dispatcher._alone_s = 0.3
        with Client.connect(service.endpoint.address, client_id="c") as client:
            client.story("old").subscribe(wait=PATIENCE_S)
            time.sleep(0.8)
            assert service.suspended == []
        deadline = time.monotonic() + PATIENCE_S
        while not service.suspended:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # It is found again when it is asked for.
        with Client.connect(service.endpoint.address) as client:
            client.story("old").subscribe(wait=PATIENCE_S)


def test_requests_wait_for_their_own_connection_only() -> None:
    class SlowService(ArchivingService):
        promise: Future[None] = Future()

        def submit_beat(self, client_id: str, request: SubmitBeat) -> Future[None]:
            self._note("submit_beat", client_id, request)
            return self.promise

    with SlowService() as service:
        address = service.endpoint.address
        with RawDealer(address) as one, Client.connect(address) as other:
            one.hello("one")
            one.say(type="open_story", request=1, story_id="s", global_caption="", seed=1)
            beat = {"id": "b", "text": "A fox.", "mode": "cut", "policy": None, "chunks": 1}
            one.say(type="submit_beat", request=2, story_id="s", beat=beat)
            one.say(type="close_story", request=3, story_id="s", drain=True)
            assert one.hear()["type"] == "story_opened"
            for _ in range(3):
                other.open_story(global_caption="")
            names = [name for name, client, _ in list(service.calls.queue) if client == "one"]
            assert names == ["open_story", "submit_beat"], "the third waits"
            service.promise.set_result(None)
            assert [one.hear()["type"] for _ in range(2)] == ["beat_status", "ack"]


def test_no_more_than_so_many_requests_wait() -> None:
    order = RequestOrder()
    close = CloseStory(request=1, story_id="s", drain=True)
    assert not order.holds_up(close, {})
    order.awaited = Awaited(close, Future(), lambda _: None)
    assert not order.holds_up(Heartbeat(), {})
    grant = GrantCredits(subscription=3, credits=1)
    assert not order.holds_up(grant, {3: "s"})
    assert order.holds_up(grant, {}), "its subscription may be among those that wait"
    for _ in range(MOST_WAITING - 1):
        assert order.holds_up(close, {})
    with pytest.raises(RequestRejected) as caught:
        order.holds_up(close, {})
    assert caught.value.code is ErrorCode.RATE_LIMITED


def test_frames_are_kept_until_they_are_archived() -> None:
    memory = FrameMemory(2 * FRAME_BYTES, lambda _: None)
    memory.begin("s", 10)
    assert memory.next_index("s") == 10
    for index in range(10, 20):
        memory.keep(frame("s", index))
    assert memory.first("s") == 10
    memory.archive("s", 15)
    memory.keep(frame("s", 20))
    assert memory.first("s") == 15
    memory.archive("s", 21)
    memory.keep(frame("s", 21))
    assert memory.first("s") == 20


def test_a_flow_that_is_behind_neither_takes_nor_slows() -> None:
    flow = CatchingUpFlow(2, 256, 4, 3)
    for index in range(300):
        flow.check_room()
        flow.offer(SharedPayloads(frame("s", 1_000 + index)))
    assert flow.wants_frames
    assert (flow.buffered, flow.waiting, flow.ready) == (0, 1, False)
    flow.add([SharedPayloads(frame("s", index)) for index in (3, 5)], 6)
    taken = [flow.take(), flow.take()]
    assert [(t[0].frame.index, t[1]) for t in taken if t] == [(3, 0), (5, 1)]
    flow.catch_up([SharedPayloads(frame("s", 6))])
    assert flow.take() is None, "there is no credit left"
    for index in range(7, 11):
        flow.offer(SharedPayloads(frame("s", index)))
    assert not flow.wants_frames
