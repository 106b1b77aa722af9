# SPDX-License-Identifier: Apache-2.0
"""Lost connections over a real proxy: what was missed arrives, in order, once; what cannot is said."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from raw_dealer import RawDealer
from scripted_service import HEIGHT, PATIENCE_S, WIDTH, ScriptedService, picture
from shotstream_bridge import (
    BeatScript,
    BeatStage,
    BeatStatus,
    Client,
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    FramesMissed,
    Quotas,
    ReceivedFrame,
    StoryClosed,
)
from tcp_proxy import TcpProxy

FRAME_BYTES = WIDTH * HEIGHT * 3


@pytest.fixture
def proxy(service: ScriptedService) -> Iterator[TcpProxy]:
    with TcpProxy(service.endpoint.address) as running:
        yield running


def pump_until(client: Client, kind: type[ClientEvent], events: list[ClientEvent] | None = None) -> Any:
    """Pumps until an event of a kind comes; all that came go into ``events``."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for event in (batch := client.pump(0.05)):
            if isinstance(event, kind):
                if events is not None:
                    events += batch
                return event
        if events is not None:
            events += batch
    raise AssertionError(f"no {kind.__name__} came")


def indices(events: list[ClientEvent]) -> list[int]:
    return [event.header.index for event in events if isinstance(event, ReceivedFrame)]


def pump_frames(client: Client, last: int, events: list[ClientEvent]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (not indices(events) or indices(events)[-1] < last) and time.monotonic() < deadline:
        events += client.pump(0.05)


def test_frames_made_during_the_gap_arrive_after_it(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("every", credits=4)
        service.publish_frames("s1", 10)
        events: list[ClientEvent] = []
        pump_frames(client, 9, events)
        proxy.cut()
        interrupted = pump_until(client, ConnectionInterrupted, events)
        assert "closed the connection, or died" in interrupted.reason
        service.publish_frames("s1", 30)
        pump_frames(client, 39, events)
        assert indices(events) == list(range(40))
        assert all(
            np.array_equal(event.rgb(), picture(event.header.index))
            for event in events
            if isinstance(event, ReceivedFrame)
        )
        kinds = [type(event) for event in events]
        assert kinds.index(ConnectionInterrupted) < kinds.index(ConnectionResumed)
        assert FramesMissed not in kinds
        assert service.gone.empty(), "to the host it never left"


def test_frames_that_were_on_the_way_are_sent_again(service: ScriptedService, proxy: TcpProxy) -> None:
    """Cut in the middle of a frame: the server had sent it, the client never had it."""
    with Client.connect(proxy.address) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("every", credits=64)
        proxy.cut_after(7 * FRAME_BYTES)
        service.publish_frames("s1", 30)
        events: list[ClientEvent] = []
        pump_until(client, ConnectionResumed, events)
        pump_frames(client, 29, events)
        assert indices(events) == list(range(30))


def test_every_stage_of_a_beat_is_told_once_and_in_order(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address) as client:
        story = client.open_story(global_caption="", story_id="s1")
        story.submit_beat(BeatScript(id="b1", text="A fox."), wait=PATIENCE_S)
        story.submit_beat(BeatScript(id="b2", text="An owl."), wait=PATIENCE_S)
        events: list[ClientEvent] = []
        stage(service, "b1", BeatStage.SCHEDULED)
        pump_until(client, BeatStatus, events)
        proxy.cut()
        pump_until(client, ConnectionInterrupted, events)
        stage(service, "b1", BeatStage.FIRST_FRAME)
        stage(service, "b1", BeatStage.DONE)
        stage(service, "b2", BeatStage.SCHEDULED)
        pump_until(client, ConnectionResumed, events)
        stage(service, "b2", BeatStage.FIRST_FRAME)
        stage(service, "b2", BeatStage.DONE)
        while len(stages(events)) < 6:
            events += client.pump(PATIENCE_S)
        assert stages(events) == [
            *(("b1", name) for name in ("scheduled", "first_frame", "done")),
            *(("b2", name) for name in ("scheduled", "first_frame", "done")),
        ]


def stage(service: ScriptedService, beat_id: str, stage: BeatStage) -> None:
    done = {"outcome": "completed", "frames": 12} if stage is BeatStage.DONE else {}
    fields = {"story_id": "s1", "beat_id": beat_id, "stage": stage, "shot": 0, "first_frame": 0, **done}
    service.endpoint.publish(BeatStatus.model_validate(fields))


def stages(events: list[ClientEvent]) -> list[tuple[str, str]]:
    return [(event.beat_id, event.stage.value) for event in events if isinstance(event, BeatStatus)]


def test_a_story_that_ended_meanwhile_is_seen_to_its_end(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("every", credits=4)
        service.publish_frames("s1", 3)
        events: list[ClientEvent] = []
        pump_frames(client, 2, events)
        proxy.cut()
        pump_until(client, ConnectionInterrupted, events)
        service.publish_frames("s1", 20)
        service.close("s1")
        closed = pump_until(client, StoryClosed, events)
        assert closed.frames == 23
        assert indices(events) == list(range(23))
        kinds = [type(event) for event in events]
        assert kinds.count(StoryClosed) == 1
        assert isinstance(events[-1], StoryClosed)


def test_requests_made_without_a_connection_leave_with_the_next(
    service: ScriptedService, proxy: TcpProxy
) -> None:
    with Client.connect(proxy.address) as client:
        story = client.open_story(global_caption="", story_id="s1")
        proxy.refuse(True)
        proxy.cut()
        pump_until(client, ConnectionInterrupted)
        started = time.monotonic()
        story.submit_beat(BeatScript(id="b1", text="A fox."))
        story.submit_beat(BeatScript(id="b2", text="A fox."))
        client.pump()
        assert time.monotonic() - started < 0.5, "the synchronous client waited"
        proxy.refuse(False)
        story.submit_beat(BeatScript(id="b3", text="A fox."), wait=PATIENCE_S)
        asked = [r.beat_id for name, _, r in _calls(service) if name == "submit_beat"]
        assert asked == ["b1", "b2", "b3"]


def _calls(service: ScriptedService) -> list[tuple[str, str, Any]]:
    return [service.calls.get_nowait() for _ in range(service.calls.qsize())]


def test_a_beat_whose_answer_was_lost_is_sent_again_and_has_one_effect() -> None:
    with ScriptedService(autoplay=True) as player, TcpProxy(player.endpoint.address) as proxy:
        with Client.connect(proxy.address) as client:
            story = client.open_story(global_caption="", story_id="s1")
            story.subscribe("every")
            # The beat gets through, nothing comes back.
            proxy.cut_after(1)
            events: list[ClientEvent] = []
            story.submit_beat(BeatScript(id="b1", text="A fox.", chunks=2))
            pump_until(client, ConnectionResumed, events)
            pump_frames(client, 23, events)
            story.close()
            assert pump_until(client, StoryClosed, events).frames == 24
            assert stages(events) == [("b1", n) for n in ("accepted", "scheduled", "first_frame", "done")]
            assert indices(events) == list(range(24))
        asked = [r.beat_id for name, _, r in _calls(player) if name == "submit_beat"]
        assert set(asked) == {"b1"}
        assert len(asked) == 2, "it was not sent again, and this test shows nothing"


def test_a_waited_request_survives_the_loss_of_its_connection(
    service: ScriptedService, proxy: TcpProxy
) -> None:
    with Client.connect(proxy.address) as client:
        story = client.open_story(global_caption="", story_id="s1")
        proxy.cut()
        story.cancel_beat("b1", wait=PATIENCE_S)
        assert client.connected


def test_pump_never_waits_while_the_connection_is_lost(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address) as client:
        proxy.refuse(True)
        proxy.cut()
        pump_until(client, ConnectionInterrupted)
        longest = 0.0
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            started = time.perf_counter()
            client.pump()
            longest = max(longest, time.perf_counter() - started)
            time.sleep(0.001)
        assert longest < 0.5
        assert not client.connected
        assert not client.closed
        assert 1 < proxy.connections < 60, "it knocks at growing distances"
        proxy.refuse(False)
        pump_until(client, ConnectionResumed)


def test_it_gives_up_and_says_so(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address, reconnect_s=0.5) as client:
        proxy.refuse(True)
        proxy.cut()
        started = time.monotonic()
        events = list(client.events())
        assert 0.4 < time.monotonic() - started < 5
        assert [type(event) for event in events] == [ConnectionInterrupted, ConnectionLost]
        assert client.closed


def test_a_stalled_network_is_noticed_and_left_behind(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address, heartbeat_s=0.1, timeout_s=0.5) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("every", credits=4)
        service.publish_frames("s1", 2)
        events: list[ClientEvent] = []
        pump_frames(client, 1, events)
        proxy.stall(True)
        assert "silent" in pump_until(client, ConnectionInterrupted, events).reason
        service.publish_frames("s1", 5)
        proxy.cut()
        proxy.stall(False)
        pump_frames(client, 6, events)
        assert indices(events) == list(range(7))


def test_a_live_watcher_goes_on_with_the_newest(service: ScriptedService, proxy: TcpProxy) -> None:
    with Client.connect(proxy.address) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("latest", credits=1)
        service.publish_frames("s1", 1)
        events: list[ClientEvent] = []
        pump_frames(client, 0, events)
        proxy.cut()
        pump_until(client, ConnectionInterrupted, events)
        service.publish_frames("s1", 50)
        pump_until(client, ConnectionResumed, events)
        # Its subscription follows on the connection: wait for the server to have it.
        client.story("s1").cancel_beat("b", wait=PATIENCE_S)
        service.publish_frames("s1", 1)
        pump_frames(client, 51, events)
        assert indices(events) == [0, 51]


def test_frames_the_server_no_longer_has_are_counted() -> None:
    quotas = Quotas(kept_bytes=10 * FRAME_BYTES)
    with (
        ScriptedService(quotas=quotas) as service,
        TcpProxy(service.endpoint.address) as proxy,
        Client.connect(proxy.address, heartbeat_s=0.1) as client,
    ):
        subscription = client.open_story(global_caption="", story_id="s1").subscribe("every", credits=4)
        service.publish_frames("s1", 3)
        events: list[ClientEvent] = []
        pump_frames(client, 2, events)
        proxy.refuse(True)
        proxy.cut()
        pump_until(client, ConnectionInterrupted, events)
        with RawDealer(service.endpoint.address) as witness:
            # The server notices the loss at its next heartbeat at the latest; until then it keeps more.
            witness.hello("witness")
            deadline = time.monotonic() + PATIENCE_S
            while service.endpoint._watchers.of_story("s1") and time.monotonic() < deadline:
                time.sleep(0.02)
        service.publish_frames("s1", 40)
        proxy.refuse(False)
        assert pump_until(client, FramesMissed, events) == FramesMissed(subscription.number, "s1", 3, 30)
        pump_frames(client, 42, events)
        assert indices(events) == [0, 1, 2, *range(33, 43)]


def test_a_story_of_a_server_that_was_started_anew() -> None:
    first = ScriptedService()
    first.endpoint.start()
    with TcpProxy(first.endpoint.address) as proxy, Client.connect(proxy.address) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("every")
        first.publish_frames("s1", 5)
        events: list[ClientEvent] = []
        pump_frames(client, 4, events)
        with ScriptedService() as second:
            host, port = second.endpoint.address.removeprefix("tcp://").split(":")
            proxy._target = (host, int(port))
            proxy.cut()
            closed = pump_until(client, StoryClosed, events)
            assert (closed.end.value, closed.frames) == ("failed", 5)
            assert "story s1 is not open" in closed.reason
            assert client.connected
            assert client.open_story(global_caption="").opened is not None
    first.endpoint.stop()


def test_the_place_is_kept_for_a_while_only() -> None:
    with (
        ScriptedService(quotas=Quotas(resume_s=0.3)) as service,
        TcpProxy(service.endpoint.address) as proxy,
    ):
        client = Client.connect(proxy.address, heartbeat_s=0.1, client_id="c")
        client.open_story(global_caption="", story_id="s1")
        proxy.cut()
        assert service.gone.get(timeout=PATIENCE_S) == "c"
        client.close()


def test_a_client_that_leaves_is_gone_at_once(service: ScriptedService) -> None:
    Client.connect(service.endpoint.address, client_id="c").close()
    assert service.gone.get(timeout=2) == "c"


def test_frames_from_a_number_on(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    service.publish_frames("s1", 20)
    story.subscribe("every", credits=64, from_frame=15)
    service.publish_frames("s1", 2)
    events: list[ClientEvent] = []
    pump_frames(client, 21, events)
    assert indices(events) == list(range(15, 22))


def test_a_frame_that_is_not_there_yet(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe("every", credits=64, from_frame=5)
    service.publish_frames("s1", 8)
    events: list[ClientEvent] = []
    pump_frames(client, 7, events)
    assert indices(events) == [5, 6, 7]


def test_a_new_story_of_an_old_name_has_none_of_its_frames(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    service.publish_frames("s1", 5)
    service.close("s1")
    pump_until(client, StoryClosed)
    service.frames_made["s1"] = 0
    story = client.open_story(global_caption="", story_id="s1")
    story.subscribe("every", from_frame=0)
    service.publish_frames("s1", 2)
    events: list[ClientEvent] = []
    pump_frames(client, 1, events)
    assert indices(events) == [0, 1]


@pytest.mark.parametrize(
    "seed", [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(20)]
)
def test_cut_at_random_points_nothing_is_lost_or_told_twice(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test
    with ScriptedService(autoplay=True) as player, TcpProxy(player.endpoint.address) as proxy:
        with Client.connect(proxy.address, heartbeat_s=0.2, timeout_s=2.0) as client:
            story = client.open_story(global_caption="", story_id="s1")
            story.subscribe("every", credits=chance.randint(1, 30))
            stop = threading.Event()

            def cut_now_and_then() -> None:
                while not stop.wait(chance.uniform(0.02, 0.15)):
                    proxy.delay(chance.choice([0.0, 0.0, 0.01]))
                    proxy.cut_after(chance.randint(1, 60 * FRAME_BYTES))

            saboteur = threading.Thread(target=cut_now_and_then)
            saboteur.start()
            events: list[ClientEvent] = []
            try:
                for number in range(12):
                    story.submit_beat(BeatScript(id=f"b{number}", text="A fox.", chunks=4))
                    events += client.pump(0.02)
                story.close()
                deadline = time.monotonic() + 1
                while time.monotonic() < deadline:
                    events += client.pump(0.05)
            finally:
                stop.set()
                saboteur.join()
            if not any(isinstance(event, StoryClosed) for event in events):
                pump_until(client, StoryClosed, events)
        assert indices(events) == list(range(12 * 48))
        for number in range(12):
            told = [name for beat, name in stages(events) if beat == f"b{number}"]
            assert told == ["accepted", "scheduled", "first_frame", "done"]
        assert sum(isinstance(event, StoryClosed) for event in events) == 1
        assert any(isinstance(event, ConnectionResumed) for event in events)
