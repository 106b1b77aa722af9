# SPDX-License-Identifier: Apache-2.0
"""Frames through shared memory: between real processes, killed at will; and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgpack
import numpy as np
import pytest
from raw_dealer import RawDealer
from scripted_service import HEIGHT, PATIENCE_S, WIDTH, ScriptedService, frame, picture
from shotstream_bridge import (
    Client,
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    EndpointLimits,
    Frame,
    FrameDamaged,
    FrameError,
    Notice,
    Quotas,
    ReceivedFrame,
    SharedMemoryError,
    StoryClosed,
)
from shotstream_bridge import messages as m
from shotstream_bridge.client_core import ClientCore
from shotstream_bridge.codec import encode, encode_frame_header
from shotstream_bridge.ring_memory import NamedMemory, open_named, sweep
from shotstream_bridge.shared_ring import RingReader, RingWriter
from tcp_proxy import TcpProxy

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="there the system frees and guards memory")
SIZE = WIDTH * HEIGHT * 3

READER = """
import sys
from shotstream_bridge import Client, ReceivedFrame
with Client.connect(sys.argv[1], 20, client_id="reader") as client:
    subscription = client.story("s1").subscribe("every", credits=4, memory=True)
    print("in memory" if subscription.in_memory else "not", flush=True)
    for event in client.events():
        if isinstance(event, ReceivedFrame):
            print(event.header.index, int(event.rgb().astype("u4").sum()), flush=True)
"""

SERVER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from scripted_service import ScriptedService
with ScriptedService() as service:
    print(service.endpoint.address, flush=True)
    for line in sys.stdin:
        service.publish_frames("s1", int(line))
"""

HOLDER = """
import sys
from shotstream_bridge.ring_memory import NamedMemory
memory = NamedMemory(8192)
print(memory.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Whatever a test does, no name of shared memory outlives it."""
    if sys.platform == "win32":
        yield
        return
    sweep()
    before = names()
    yield
    sweep()
    assert names() <= before


def names() -> set[str]:
    from shotstream_bridge.ring_memory import folder

    return {path.name for path in folder().iterdir()} if folder().exists() else set()


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def frames_of(client: Client, count: int) -> list[ReceivedFrame]:
    frames: list[ReceivedFrame] = []
    while len(frames) < count:
        batch = client.pump(PATIENCE_S)
        assert batch, f"{len(frames)} frames came"
        frames += [event for event in batch if isinstance(event, ReceivedFrame)]
    return frames


# --- between a server and its clients ---------------------------------------------------------------------


@pytest.mark.parametrize("pixel_format", ["rgb8", "bgra8"])
def test_frames_go_through_memory_and_not_through_the_connection(
    service: ScriptedService, pixel_format: str
) -> None:
    with TcpProxy(service.endpoint.address) as proxy, Client.connect(proxy.address) as client:
        story = client.open_story(global_caption="", story_id="s1")
        subscription = story.subscribe("every", credits=3, pixel_format=pixel_format, memory=True)
        assert subscription.in_memory
        passed = len(proxy.seen)
        for index in range(200):
            service.endpoint.publish_frame(frame("s1", index))
        frames = frames_of(client, 200)
        assert [got.header.index for got in frames] == list(range(200))
        assert all(np.array_equal(got.rgb(), picture(index)) for index, got in enumerate(frames))
        assert all(got.header.slot is not None for got in frames)
        # Headers, about 260 bytes each, and nothing of the 384 or 512 bytes of every picture.
        assert len(proxy.seen) - passed < 200 * 384


def test_a_live_watcher_and_a_lossless_one_in_memory(service: ScriptedService, client: Client) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    live = story.subscribe("latest", credits=1, memory=True)
    film = story.subscribe("every", credits=64, memory=True)
    service.publish_frames("s1", 60)
    seen: dict[int, list[ReceivedFrame]] = {live.number: [], film.number: []}
    while len(seen[film.number]) < 60 or seen[live.number][-1].header.index < 59:
        for event in client.pump(PATIENCE_S):
            assert isinstance(event, ReceivedFrame)
            seen[event.header.subscription].append(event)
    assert [got.header.index for got in seen[film.number]] == list(range(60))
    for got in seen[live.number]:
        assert np.array_equal(got.rgb(), picture(got.header.index))


def test_a_slot_is_not_used_again_before_its_credit_is_granted() -> None:
    with (
        ScriptedService(limits=EndpointLimits(backlog_frames=100)) as service,
        RawDealer(service.endpoint.address) as raw,
    ):
        raw.hello(features=["memory"])
        raw.open()
        offer = m.MemoryOffer(**raw.subscribe(credits=2, memory=True)["memory"])
        assert (offer.slots, offer.slot_bytes) == (2, SIZE)
        service.publish_frames("s1", 6)
        assert raw.is_quiet(0.05), "frames before the memory was opened"
        ring = RingReader(offer)
        raw.say(type="memory_opened", subscription=0, opened=True)
        headers = [raw.hear_type("frame") for _ in range(2)]
        # More credits than slots: what is in flight is bounded by the slots.
        raw.say(type="grant_credits", subscription=0, credits=1)
        headers.append(raw.hear_type("frame"))
        assert [header["slot"] for header in headers] == [0, 1, 0]
        assert raw.is_quiet(0.05)
        assert ring.read(1, 1, SIZE).tobytes() == picture(1).tobytes()
        assert ring.read(0, 2, SIZE).tobytes() == picture(2).tobytes()
        with pytest.raises(FrameError, match="holds something else"):
            ring.read(0, 0, SIZE)
        ring.close()


def test_a_client_that_cannot_open_it_gets_its_frames_all_the_same(service: ScriptedService) -> None:
    with RawDealer(service.endpoint.address) as raw:
        raw.hello(features=["memory"])
        raw.open()
        raw.subscribe(memory=True)
        raw.say(type="memory_opened", subscription=0, opened=False)
        service.publish_frames("s1", 1)
        header, payload = raw.hear_frame()
        assert "slot" not in header
        assert payload == picture(0).tobytes()


def test_without_memory_to_spare_frames_come_over_the_connection() -> None:
    with (
        ScriptedService(quotas=Quotas(memory_bytes=20_000)) as service,
        Client.connect(service.endpoint.address) as client,
    ):
        story = client.open_story(global_caption="", story_id="s1")
        first = story.subscribe("every", credits=4, memory=True)
        second = story.subscribe("every", credits=64, memory=True)
        assert (first.in_memory, second.in_memory) == (True, False)
        (notice,) = [event for event in client.pump(PATIENCE_S) if isinstance(event, Notice)]
        assert notice.code == "memory_unavailable"
        assert "memory_bytes is 20000; use fewer credits" in notice.text
        service.publish_frames("s1", 5)
        assert [got.header.slot is None for got in frames_of(client, 10)].count(True) == 5
        # What ends gives its memory back.
        first.end()
        assert story.subscribe("every", credits=4, memory=True).in_memory


def test_a_frame_of_another_size_comes_over_the_connection(service: ScriptedService, client: Client) -> None:
    client.open_story(global_caption="", story_id="s1").subscribe("every", memory=True)
    large = np.full((HEIGHT * 2, WIDTH, 3), 7, np.uint8)
    service.endpoint.publish_frame(Frame("s1", 0, 0, 0, 0, 0.0, "b", 7, large))
    service.endpoint.publish_frame(frame("s1", 1))
    first, second = frames_of(client, 2)
    assert (first.header.slot, second.header.slot) == (None, 0)
    assert (first.rgb() == 7).all()
    assert np.array_equal(second.rgb(), picture(1))


def test_the_end_of_a_subscription_and_of_a_story_frees_the_memory(
    service: ScriptedService, client: Client
) -> None:
    story = client.open_story(global_caption="", story_id="s1")
    subscription = story.subscribe("every", memory=True)
    story.subscribe("every", memory=True)
    rings = service.endpoint._watchers.rings
    assert len(rings._rings) == 2
    subscription.end()
    assert len(rings._rings) == 1
    service.publish_frames("s1", 3)
    service.close("s1")
    events: list[ClientEvent] = []
    while not any(isinstance(event, StoryClosed) for event in events):
        events += client.pump(PATIENCE_S)
    assert sum(isinstance(event, ReceivedFrame) for event in events) == 3
    assert rings._rings == []
    assert not client.core.in_memory(1)


def test_a_lost_connection_gets_new_memory(service: ScriptedService) -> None:
    with TcpProxy(service.endpoint.address) as proxy, Client.connect(proxy.address) as client:
        story = client.open_story(global_caption="", story_id="s1")
        subscription = story.subscribe("every", credits=4, memory=True)
        service.publish_frames("s1", 5)
        frames = frames_of(client, 5)
        proxy.cut()
        while not any(isinstance(event, ConnectionInterrupted) for event in client.pump(PATIENCE_S)):
            pass
        service.publish_frames("s1", 20)
        frames += frames_of(client, 20)
        assert [got.header.index for got in frames] == list(range(25))
        assert all(np.array_equal(got.rgb(), picture(got.header.index)) for got in frames)
        assert subscription.in_memory


# --- processes that die -----------------------------------------------------------------------------------


def test_a_reader_that_is_killed_leaves_nothing_and_the_others_go_on(service: ScriptedService) -> None:
    with Client.connect(service.endpoint.address) as client:
        client.open_story(global_caption="", story_id="s1").subscribe("every", memory=True)
        reader = start(READER, service.endpoint.address)
        try:
            assert line(reader) == "in memory"
            service.publish_frames("s1", 10)
            for index in range(10):
                assert line(reader) == f"{index} {int(picture(index).astype('u4').sum())}"
            reader.kill()
            reader.wait()
            deadline = time.monotonic() + PATIENCE_S
            while len(service.endpoint._watchers.rings._rings) > 1 and time.monotonic() < deadline:
                service.publish_frames("s1", 1)
                client.pump(0.02)
            assert len(service.endpoint._watchers.rings._rings) == 1
            first = service.frames_made["s1"]
            service.publish_frames("s1", 10)
            indices: list[int] = []
            while not indices or indices[-1] < first + 9:
                indices += [got.header.index for got in frames_of(client, 1)]
            with Client.connect(service.endpoint.address) as another:
                assert another.story("s1").subscribe("every", memory=True).in_memory
        finally:
            reader.kill()
            reader.communicate()


def test_a_server_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    server = start(SERVER, str(Path(__file__).parent))
    try:
        with Client.connect(line(server), 20, reconnect_s=0) as client:
            subscription = client.open_story(global_caption="", story_id="s1").subscribe(memory=True)
            assert subscription.in_memory
            assert server.stdin is not None
            server.stdin.write("4\n")
            server.stdin.flush()
            assert len(frames_of(client, 4)) == 4
            server.kill()
            server.wait()
            assert isinstance(list(client.events(PATIENCE_S))[-1], ConnectionLost)
            assert not subscription.in_memory
        if sys.platform != "win32":
            assert names() == set(), "its name was gone already"
    finally:
        server.kill()
        server.communicate()


@posix_only
def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_has_is_not() -> None:
    dead, alive = start(HOLDER), start(HOLDER)
    try:
        left, kept = line(dead), line(alive)
        dead.kill()
        dead.wait()
        assert {left, kept} <= names()
        assert sweep() == 1
        assert left not in names()
        assert kept in names()
    finally:
        for process in (dead, alive):
            process.kill()
            process.communicate()


@posix_only
def test_a_server_sweeps_when_it_starts() -> None:
    dead = start(HOLDER)
    left = line(dead)
    dead.kill()
    dead.communicate()
    assert left in names()
    with ScriptedService() as service, Client.connect(service.endpoint.address):
        assert left not in names()


# --- strangers --------------------------------------------------------------------------------------------


@pytest.fixture
def ring() -> Iterator[RingWriter]:
    made = RingWriter(2, 100)
    yield made
    made.close()


def test_the_wrong_token_is_not_the_servers_memory(ring: RingWriter) -> None:
    offer = ring.offer().model_copy(update={"token": "0" * 32})
    with pytest.raises(SharedMemoryError, match="is not the server's"):
        RingReader(offer)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../ring-1-" + "0" * 32, "ring-1-" + "0" * 31, "ring-1-" + "0" * 32 + "/x", ""]
)
def test_a_name_that_is_not_a_servers_is_not_opened(name: str) -> None:
    with pytest.raises(SharedMemoryError, match="no name of shared memory"):
        open_named(name, 100)


@posix_only
@pytest.mark.parametrize("wrong", ["mode", "size", "owner", "link", "folder", "nothing"])
def test_what_is_not_this_users_alone_is_not_opened(wrong: str, tmp_path: Path) -> None:
    from shotstream_bridge.ring_memory import folder

    memory = NamedMemory(4096)
    path = folder() / memory.name
    try:
        if wrong == "mode":
            path.chmod(0o640)
        elif wrong == "size":
            os.truncate(path, 4095)
        elif wrong == "owner":
            if os.getuid() != 0:
                pytest.skip("only root gives files away")
            os.chown(path, 12_345, -1)
        elif wrong == "link":
            # To a file that would do, but for the link.
            (tmp_path / "elsewhere").write_bytes(bytes(4096))
            (tmp_path / "elsewhere").chmod(0o600)
            path.unlink()
            path.symlink_to(tmp_path / "elsewhere")
        elif wrong == "folder":
            folder().chmod(0o755)
        else:
            path.unlink()
        with pytest.raises(SharedMemoryError):
            open_named(memory.name, 4096)
    finally:
        folder().chmod(0o700)
        memory.unlink()
        memory.map.close()


@posix_only
def test_memory_is_for_its_owner_and_all_there(ring: RingWriter) -> None:
    from shotstream_bridge.ring_memory import folder

    seen = (folder() / ring.offer().name).stat()
    assert seen.st_mode & 0o777 == 0o600
    assert folder().stat().st_mode & 0o777 == 0o700
    assert seen.st_size == ring.size
    assert seen.st_blocks * 512 >= ring.size, "a write could find that there is no memory"
    ring.opened()
    assert ring.offer().name not in names()


def test_a_client_does_not_open_what_it_is_not_offered_properly() -> None:
    """The core, with what an untrue server might send."""
    core = ClientCore("c", product="p", now=0.0)
    core.greet()
    info = m.ServerInfo(
        product="p",
        model="m",
        width=1,
        height=1,
        fps=1.0,
        frames_per_chunk=1,
        frames_in_first_chunk=1,
        chunks_per_shot=1,
        state=m.ServerStateName.READY,
    )
    welcome = m.Welcome(
        version=1, client_id="c", heartbeat_s=1.0, timeout_s=9.0, server=info, limits=m.EndpointLimits()
    )
    core.receive([memoryview(encode(welcome))], 0.0)
    request, number = core.subscribe(
        "s", m.WatchMode.EVERY, credits=1, pixel_format=m.PixelFormat.RGB8, memory=True
    )
    core.outgoing.clear()
    offer = m.MemoryOffer(name="ring-1-" + "0" * 32, token="0" * 32, slots=1, slot_bytes=3)
    subscribed = m.Subscribed(request=request, subscription=number, story_id="s", memory=offer)
    core.receive([memoryview(encode(subscribed))], 0.0)
    assert [msgpack.unpackb(sent) for sent in core.outgoing] == [
        {"type": "memory_opened", "subscription": number, "opened": False}
    ]
    # A frame that claims to be in memory nevertheless is a damaged frame, and no more.
    header = encode_frame_header(
        frame("s", 0), subscription=number, skipped=0, pixel_format=m.PixelFormat.RGB8, checksum=None, slot=7
    )
    (event,) = core.receive([memoryview(header)], 0.0)
    assert isinstance(event, FrameDamaged)
    # A name that leads elsewhere is not even a message.
    fields = msgpack.unpackb(encode(subscribed))
    fields["memory"]["name"] = "../../etc/passwd"
    (lost,) = core.receive([memoryview(msgpack.packb(fields))], 0.0)
    assert isinstance(lost, ConnectionLost)


@pytest.mark.parametrize("memory", [{"name": "ring-1-" + "0" * 32}, "ring-1-" + "0" * 32, 1])
def test_a_client_cannot_name_memory(raw: RawDealer, memory: object) -> None:
    raw.open()
    fields = {"subscription": 0, "story_id": "s1", "mode": "every", "credits": 1, "format": "rgb8"}
    raw.say(type="subscribe", request=6, memory=memory, **fields)
    error = raw.hear()
    assert (error["code"], error["field"]) == ("invalid_value", "memory")


def test_a_client_of_another_host_gets_none(service: ScriptedService) -> None:
    request = m.Subscribe(
        request=1,
        subscription=0,
        story_id="s1",
        mode=m.WatchMode.EVERY,
        credits=1,
        format=m.PixelFormat.RGB8,
        memory=True,
    )
    story = m.StoryOpened(request=1, story_id="s1", width=16, height=8, fps=16.0, chunks_per_shot=7)
    with pytest.raises(SharedMemoryError, match="on another host"):
        service.endpoint._watchers.rings.make(request, story, local=False)


# --- the ring ---------------------------------------------------------------------------------------------


def test_a_ring_from_writer_to_reader(ring: RingWriter) -> None:
    reader = RingReader(ring.offer())
    ring.opened()
    for index in range(7):
        payload = np.full(93 + index, index, np.uint8)
        slot = ring.write(index, payload)
        assert slot == index % 2
        assert np.array_equal(reader.read(slot, index, 93 + index), payload)
    for slot, index, size in ((0, 5, 98), (1, 5, 97), (2, 5, 98), (1, 5, 101)):
        with pytest.raises(FrameError):
            reader.read(slot, index, size)
    # A frame that is being written is not there yet.
    assert ring._bytes is not None
    start = 4096 + 128 + 64
    ring._bytes[start : start + 8].view("<u8")[0] = 2 * 5 + 1
    with pytest.raises(FrameError, match="holds something else"):
        reader.read(1, 5, 98)
    reader.close()
    reader.close()
    with pytest.raises(FrameError):
        reader.read(0, 6, 99)


def test_a_frame_read_outlives_the_ring(ring: RingWriter) -> None:
    reader = RingReader(ring.offer())
    payload = np.arange(50, dtype=np.uint8)
    ring.write(0, payload)
    kept = reader.read(0, 0, 50)
    ring.write(1, np.zeros(50, np.uint8))
    ring.write(2, np.zeros(50, np.uint8))
    reader.close()
    ring.close()
    assert np.array_equal(kept, payload)


def test_the_bytes_of_the_ring_are_those_of_the_document(ring: RingWriter) -> None:
    ring.write(0, np.array([1, 2, 3], np.uint8))
    ring.write(20, np.array([4, 5], np.uint8))
    offer = ring.offer()
    raw = open_named(offer.name, ring.size)
    assert raw[:8] == b"SSRING01"
    assert raw[8:24].hex() == offer.token
    stride = 64 + 128
    assert raw[4096:4112] == (2).to_bytes(8, "little") + (3).to_bytes(8, "little")
    assert raw[4096 + 64 : 4096 + 67] == b"\1\2\3"
    second = 4096 + stride
    assert raw[second : second + 16] == (42).to_bytes(8, "little") + (2).to_bytes(8, "little")
    assert len(raw) == 4096 + 2 * stride
    raw.close()


def test_the_quick_header_is_the_same_with_a_slot() -> None:
    made = frame("s1", 5)
    quick = encode_frame_header(
        made, subscription=3, skipped=1, pixel_format=m.PixelFormat.RGB8, checksum=9, slot=4
    )
    slow = m.FrameHeader(
        subscription=3,
        skipped=1,
        story_id="s1",
        shot=0,
        index=5,
        index_in_shot=5,
        chunk=0,
        pts_s=5 / 16,
        beat_id="b",
        seed=7,
        created_ns=made.created_ns,
        width=WIDTH,
        height=HEIGHT,
        format=m.PixelFormat.RGB8,
        checksum=9,
        slot=4,
    )
    assert quick == encode(slow)
