# SPDX-License-Identifier: Apache-2.0
"""The asyncio client over real sockets: the same as the synchronous one, awaited."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_service import PATIENCE_S, ScriptedService, picture
from shotstream_bridge import (
    AllowList,
    AsyncClient,
    AuthenticationError,
    BeatMode,
    BeatScript,
    BeatStatus,
    ClientEvent,
    ClientSecurity,
    ConnectError,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    ErrorCode,
    HandshakeRefusedError,
    KeyPair,
    NotConnectedError,
    Quotas,
    ReceivedFrame,
    RequestFailedError,
    RequestRejected,
    RequestTimeoutError,
    ServerSecurity,
    ServerState,
    ServerStateName,
    StoryClosed,
    StoryScript,
)
from shotstream_bridge.allow_list import allow
from shotstream_bridge.keys import PublicKey
from tcp_proxy import TcpProxy

SCRIPT = StoryScript(
    global_caption="A red fox in snow.",
    seed=7,
    beats=(
        BeatScript(id="one", text="It runs.", chunks=5),
        BeatScript(text="It stops.", mode=BeatMode.CONTINUE, chunks=3),
    ),
)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Runs a test on a loop of its own; no task and no thread of the client outlives it."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert [task.get_name() for task in others] == []

    asyncio.run(bounded())
    assert [t.name for t in threading.enumerate() if t.name.startswith("shotstream-client")] == []


@asynccontextmanager
async def connected(service: ScriptedService, **options: Any) -> AsyncIterator[AsyncClient]:
    client = await AsyncClient.connect(service.endpoint.address, **options)
    async with client:
        yield client


async def collect(client: AsyncClient, enough: Callable[[list[ClientEvent]], bool]) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    while not enough(events):
        batch = await client.next_events(PATIENCE_S)
        assert batch, f"nothing more came after {events}"
        events += batch
    return events


def indices(events: list[ClientEvent]) -> list[int]:
    return [event.header.index for event in events if isinstance(event, ReceivedFrame)]


def test_a_story_from_beats_to_its_last_frame(player: ScriptedService) -> None:
    async def story() -> None:
        async with connected(player) as client:
            story = await client.open_story(global_caption=SCRIPT.global_caption, seed=SCRIPT.seed)
            assert story.opened is not None
            await story.subscribe("every", credits=5)
            names = await story.submit_script(SCRIPT)
            await story.close()
            frames, stages = [], []
            async for event in client.events(PATIENCE_S):
                if isinstance(event, ReceivedFrame):
                    frames.append(event)
                elif isinstance(event, BeatStatus):
                    stages.append((event.beat_id, event.stage.value))
                elif isinstance(event, StoryClosed):
                    break
            assert [frame.header.index for frame in frames] == list(range(96))
            assert all(np.array_equal(frame.rgb(), picture(n)) for n, frame in enumerate(frames))
            for name in names:
                ordered = ["accepted", "scheduled", "first_frame", "done"]
                assert [stage for beat, stage in stages if beat == name] == ordered
        assert client.closed

    run(story())
    assert player.gone.get(timeout=PATIENCE_S)


def test_the_loop_is_free_while_a_client_waits(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service) as client:
            waiting = asyncio.create_task(client.next_events(PATIENCE_S))
            ticks = 0
            for _ in range(50):
                await asyncio.sleep(0.002)
                ticks += 1
            assert ticks == 50
            assert not waiting.done()
            service.endpoint.publish(ServerState(state=ServerStateName.READY))
            assert await waiting == [ServerState(state=ServerStateName.READY)]

    run(story())


def test_many_requests_at_once(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service) as client:
            stories = await asyncio.gather(
                *(client.open_story(global_caption="", story_id=f"s{n}") for n in range(20))
            )
            assert [story.opened.story_id for story in stories if story.opened] == [
                f"s{n}" for n in range(20)
            ]
            assert await client.next_events(0.02) == [], "what is waited for is no event"

    run(story())


def test_two_clients_on_one_loop(player: ScriptedService) -> None:
    async def story() -> None:
        async with connected(player) as director, connected(player) as watcher:
            story = await director.open_story(global_caption="", story_id="s1")
            await watcher.story("s1").subscribe("every", pixel_format="png")
            await story.submit_beat(BeatScript(id="b", text="A fox.", chunks=3), wait=PATIENCE_S)
            events = await collect(watcher, lambda events: len(indices(events)) == 36)
            assert indices(events) == list(range(36))

    run(story())


def test_refusals_and_silence(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service) as client:
            service.break_next = RequestRejected(ErrorCode.NOT_READY, "still loading", field="story_id")
            with pytest.raises(RequestFailedError, match=r"not_ready \(field story_id\): still loading"):
                await client.open_story(global_caption="")
            with pytest.raises(RequestTimeoutError, match=r"within 0\.05 s"):
                await client.settle(12_345, 0.05)
            story = await client.open_story(global_caption="", story_id="s1")
            await story.cancel_beat("nothing", wait=PATIENCE_S)
            assert client.connected

    run(story())


def test_credits_by_hand_and_the_end_of_a_subscription(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service) as client:
            story = await client.open_story(global_caption="", story_id="s1")
            subscription = await story.subscribe(credits=2, auto_grant=False)
            service.publish_frames("s1", 6)
            events = await collect(client, lambda events: len(indices(events)) == 2)
            assert await client.next_events(0.05) == []
            subscription.grant(1)
            events = await client.next_events(PATIENCE_S)
            assert indices(events) == [2]
            await subscription.end()
            service.publish_frames("s1", 1)
            assert await client.next_events(0.05) == []

    run(story())


def test_a_loading_server_is_waited_for() -> None:
    async def story(service: ScriptedService) -> None:
        async with connected(service) as client:
            with pytest.raises(RequestTimeoutError, match="still loading"):
                await client.wait_until_ready(0.05)
            ready = asyncio.create_task(client.wait_until_ready(PATIENCE_S))
            await asyncio.sleep(0.02)
            service.endpoint.publish(ServerState(state=ServerStateName.READY))
            await ready

    with ScriptedService(state=ServerStateName.LOADING) as service:
        run(story(service))


def test_a_lost_connection_is_taken_up_again(service: ScriptedService) -> None:
    async def story(proxy: TcpProxy) -> None:
        async with await AsyncClient.connect(proxy.address) as client:
            story = await client.open_story(global_caption="", story_id="s1")
            await story.subscribe("every", credits=4)
            service.publish_frames("s1", 5)
            events = await collect(client, lambda events: len(indices(events)) == 5)
            proxy.cut()
            events += await collect(
                client, lambda events: any(isinstance(e, ConnectionInterrupted) for e in events)
            )
            service.publish_frames("s1", 15)
            await story.cancel_beat("b", wait=PATIENCE_S)
            events += await collect(client, lambda new: len(indices(events + new)) == 20)
            assert indices(events) == list(range(20))
            assert sum(isinstance(event, ConnectionResumed) for event in events) == 1

    with TcpProxy(service.endpoint.address) as proxy:
        run(story(proxy))


def test_a_server_that_stops_says_so(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service) as client:
            await asyncio.to_thread(service.endpoint.stop)
            events = [event async for event in client.events()]
            assert events == [ConnectionLost("the server is stopping", by_server=True)]
            assert await client.next_events() == []
            with pytest.raises(NotConnectedError, match="the server is stopping"):
                await client.open_story(global_caption="")

    run(story())


def test_a_request_in_flight_fails_when_the_server_goes(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service) as client:
            waiting = asyncio.create_task(client.settle(12_345, PATIENCE_S))
            await asyncio.sleep(0.02)
            await asyncio.to_thread(service.endpoint.stop)
            with pytest.raises(NotConnectedError, match="stopping"):
                await waiting

    run(story())


def test_heartbeats_go_on_by_themselves(service: ScriptedService) -> None:
    async def story() -> None:
        async with connected(service, heartbeat_s=0.05, timeout_s=0.3) as client:
            await asyncio.sleep(1.0)
            assert client.connected

    run(story())
    assert service.gone.qsize() <= 1


# --- connecting -------------------------------------------------------------------------------------------


async def refused(connect: Awaitable[AsyncClient], kind: type[ConnectError], words: str) -> None:
    started = time.monotonic()
    with pytest.raises(kind, match=words):
        await connect
    assert time.monotonic() - started < 3


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    run(refused(AsyncClient.connect(address, 0.2), ConnectError, "no server answers"))
    run(refused(AsyncClient.connect("localhost", 0.2), ConnectError, "is no address"))


def test_a_refusal_is_told() -> None:
    with ScriptedService(quotas=Quotas(connections_per_s=0.25)) as service:
        address = service.endpoint.address

        async def story() -> None:
            async with await AsyncClient.connect(address):
                await refused(AsyncClient.connect(address), HandshakeRefusedError, "connections_per_s")

        run(story())


def test_keys(tmp_path: Path) -> None:
    server, known, unknown = (KeyPair.generate() for _ in range(3))
    allow(tmp_path / "list", PublicKey("known", known.public))
    with ScriptedService(security=ServerSecurity(server, AllowList(tmp_path / "list"))) as service:
        address = service.endpoint.address

        async def story() -> None:
            for client, expected, words in (
                (unknown, server, "does not allow this client's key"),
                (known, unknown, "does not have the key"),
            ):
                security = ClientSecurity(client, expected.public)
                await refused(AsyncClient.connect(address, 30, security=security), AuthenticationError, words)
            await refused(AsyncClient.connect(address, 30), AuthenticationError, "demands keys")
            security = ClientSecurity(known, server.public)
            async with await AsyncClient.connect(address, security=security) as client:
                assert (await client.open_story(global_caption="")).opened is not None

        run(story())


def test_a_cancelled_connect_leaves_nothing_behind() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
            connecting = asyncio.create_task(AsyncClient.connect(address, 30))
            await asyncio.sleep(0.1)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting

    run(story())


def test_a_loop_that_ends_with_an_open_client_does_not_hang(service: ScriptedService) -> None:
    async def careless() -> None:
        await AsyncClient.connect(service.endpoint.address, client_id="careless")

    started = time.monotonic()
    asyncio.run(careless())
    assert time.monotonic() - started < 3
    assert service.gone.get(timeout=PATIENCE_S) == "careless"


def test_a_fault_of_the_client_itself_ends_it_with_an_event(
    service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with connected(service) as client:
            request = asyncio.create_task(client.settle(12_345, PATIENCE_S))
            await asyncio.sleep(0.02)
            client.core.tick = lambda now: 1 / 0  # type: ignore[method-assign, assignment, return-value]
            service.endpoint.publish(ServerState(state=ServerStateName.READY))
            events = [event async for event in client.events()]
            assert isinstance(events[-1], ConnectionLost)
            assert "this client has failed: division by zero" in events[-1].reason
            with pytest.raises(NotConnectedError, match="this client has failed"):
                await request

    run(story())
    assert "has failed" in caplog.text


def test_close_may_be_repeated(service: ScriptedService) -> None:
    async def story() -> None:
        client = await AsyncClient.connect(service.endpoint.address)
        await client.close()
        await client.close()
        assert await client.next_events() == []

    run(story())
