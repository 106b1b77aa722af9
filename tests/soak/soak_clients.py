# SPDX-License-Identifier: Apache-2.0
"""Clients of a soak: they come, do what clients do, check what they get, and leave in every way there is.

Each visit is a function of the crowd and a source of chance. What is wrong is raised and kept by the crowd.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable

from shotstream_bridge import (
    AsyncClient,
    BeatMode,
    BeatPolicy,
    BeatScript,
    Client,
    ErrorCode,
    FrameDamaged,
    FramesMissed,
    ReceivedFrame,
    RequestFailedError,
    StoryClosed,
    StoryHandle,
)
from tcp_proxy import TcpProxy

PATIENCE_S = 120.0
MOST_FAULTS = 5

CAPTIONS = ("A fox in a red coat in the forest.", "A robot in a blue coat in the city at night.")
TEXTS = ("Wide shot: it walks.", "Medium shot: it stands.", "Close-up: it waves.", "Medium shot: it jumps.")

DOOMED = """
import sys
from shotstream_bridge import Client, ReceivedFrame
with Client.connect(sys.argv[1], 60) as client:
    client.story(sys.argv[2]).subscribe("every", memory=True, credits=4)
    print("watching", flush=True)
    for event in client.events(): pass
"""


class Crowd:
    """Who visits one server, until told to stop.

    Args:
        address: The server's.
        seed: Of all that is left to chance.

    Attributes:
        counts: What was done, by name.
        faults: Tracebacks of visits that saw something wrong.
    """

    def __init__(self, address: str, seed: int) -> None:
        self.address = address
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self._lock = threading.Lock()
        self._running: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(visit, pause, seed + n), name=f"soak-{visit.__name__}")
            for n, (visit, pause) in enumerate(VISITS)
        ]

    def begin(self) -> None:
        """Has them come."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Has them finish what they do."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)
            if thread.is_alive():
                self.faults.append(f"{thread.name} hangs")

    @property
    def failed(self) -> bool:
        """Whether too much was wrong for going on to tell more."""
        return len(self.faults) >= MOST_FAULTS

    def count(self, what: str, many: int = 1) -> None:
        """Counts what was done."""
        with self._lock:
            self.counts[what] += many

    def story_begins(self, story_id: str) -> None:
        """A story can be watched."""
        with self._lock:
            self._running.append(story_id)

    def story_ends(self, story_id: str) -> None:
        """A story cannot be watched any more."""
        with self._lock:
            self._running.remove(story_id)

    def running_story(self, chance: random.Random) -> str | None:
        """One that can be watched; it may end at any moment."""
        with self._lock:
            return chance.choice(self._running) if self._running else None

    def _visit(self, visit: Callable[[Crowd, random.Random], None], pause: float, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - to be the same each time
        while not self._stop.is_set() and not self.failed:
            try:
                visit(self, chance)
                self.count(visit.__name__)
            except RequestFailedError as error:
                # A watcher that comes when a story ends.
                if error.code != ErrorCode.UNKNOWN_STORY.value:
                    self.faults.append(traceback.format_exc())
            except Exception:  # noqa: BLE001 - whatever it is fails the soak
                self.faults.append(traceback.format_exc())
            self._stop.wait(chance.uniform(0.5, 1.5) * pause)


class FrameCheck:
    """Every frame once, in order, with pixels that fit their checksum.

    Args:
        crowd: Counts them.
        every: Whether none may be left out; otherwise they only have to be in order.
        first: The number that the first one must have; None for any.
    """

    def __init__(self, crowd: Crowd, *, every: bool = True, first: int | None = None) -> None:
        self._crowd, self._every, self._next = crowd, every, first
        self.seen = 0

    def take(self, event: object) -> None:
        """Looks at an event; not only frames."""
        if isinstance(event, FramesMissed | FrameDamaged):
            raise AssertionError(f"frames are gone: {event}")
        if not isinstance(event, ReceivedFrame):
            return
        index = event.header.index
        if self._next is not None:
            right = index == self._next if self._every else index >= self._next
            assert right, f"frame {index} came where {self._next} was due"
        assert event.rgb().shape == (event.header.height, event.header.width, 3)
        self._next = index + 1
        self.seen += 1
        self._crowd.count("frames received")


def some_beats(chance: random.Random) -> list[BeatScript]:
    """A short story: a cut, and perhaps more that cut, redirect or take over."""
    beats = [BeatScript(text=chance.choice(TEXTS), chunks=chance.randint(1, 3))]
    for _ in range(chance.randint(0, 2)):
        # A `continue` that takes over before anything has begun would have no shot to continue.
        mode, policy = chance.choice(
            [
                (BeatMode.CUT, BeatPolicy.QUEUE),
                (BeatMode.CUT, BeatPolicy.INTERRUPT),
                (BeatMode.CONTINUE, BeatPolicy.QUEUE),
            ]
        )
        beats.append(
            BeatScript(text=chance.choice(TEXTS), mode=mode, policy=policy, chunks=chance.randint(1, 2))
        )
    return beats


def watch_to_the_end(client: Client, check: FrameCheck, each: Callable[[], None] = lambda: None) -> None:
    """Takes everything up to the story's end."""
    for event in client.events(PATIENCE_S):
        check.take(event)
        if isinstance(event, ReceivedFrame):
            each()
        elif isinstance(event, StoryClosed):
            assert event.frames == check.seen, f"{check.seen} of {event.frames} frames came"
            return
    raise AssertionError(f"nothing came for {PATIENCE_S:.0f} s, after {check.seen} frames")


def open_story(crowd: Crowd, client: Client, chance: random.Random) -> StoryHandle:
    """Opens a story that others may watch."""
    story = client.open_story(
        global_caption=chance.choice(CAPTIONS), seed=chance.randrange(1000), wait=PATIENCE_S
    )
    crowd.count("stories opened")
    return story


# --- visits ---------------------------------------------------------------------------------------------


def director(crowd: Crowd, chance: random.Random) -> None:
    """Plays a story from its first beat to its end."""
    with Client.connect(crowd.address, PATIENCE_S) as client:
        story = open_story(crowd, client, chance)
        story.subscribe("every", credits=chance.randint(2, 32), memory=chance.random() < 0.3)
        crowd.story_begins(story.story_id)
        try:
            for beat in some_beats(chance):
                story.submit_beat(beat, PATIENCE_S)
                crowd.count("beats sent")
            story.close(drain=chance.random() < 0.8)
            watch_to_the_end(client, FrameCheck(crowd, first=0))
        finally:
            crowd.story_ends(story.story_id)


def deserter(crowd: Crowd, chance: random.Random) -> None:
    """Opens a story, sees some of it, and goes away without closing it: it is suspended later."""
    with Client.connect(crowd.address, PATIENCE_S) as client:
        story = open_story(crowd, client, chance)
        story.subscribe("every")
        story.submit_beat(BeatScript(text=chance.choice(TEXTS), chunks=2), PATIENCE_S)
        check = FrameCheck(crowd, first=0)
        for event in client.events(PATIENCE_S):
            check.take(event)
            if check.seen >= 3 or isinstance(event, StoryClosed):
                return
        raise AssertionError("no frame came")


def wanderer(crowd: Crowd, chance: random.Random) -> None:
    """Plays a story over a connection that is cut, and once stalls; every frame comes once all the same."""
    with (
        TcpProxy(crowd.address) as proxy,
        Client.connect(proxy.address, PATIENCE_S, reconnect_s=PATIENCE_S) as client,
    ):
        story = open_story(crowd, client, chance)
        story.subscribe("every", credits=8, memory=chance.random() < 0.3)
        for beat in some_beats(chance):
            story.submit_beat(beat, PATIENCE_S)
            crowd.count("beats sent")
        story.close()

        def disturb() -> None:
            what = chance.random()
            if what < 0.03:
                proxy.cut()
                crowd.count("connections cut")
            elif what < 0.06:
                proxy.cut_after(chance.randrange(60_000))
                crowd.count("connections cut in the middle")
            elif what < 0.07:
                proxy.stall(True)
                time.sleep(0.3)
                proxy.stall(False)
                crowd.count("connections stalled")

        watch_to_the_end(client, FrameCheck(crowd, first=0), disturb)


def onlooker(crowd: Crowd, chance: random.Random) -> None:
    """Looks at what runs, live, for a while, in any format."""
    story_id = crowd.running_story(chance)
    if story_id is None:
        return
    with Client.connect(crowd.address, PATIENCE_S) as client:
        pixel_format = chance.choice(["rgb8", "bgra8", "jpeg", "webp", "png"])
        watching = client.story(story_id).subscribe("latest", credits=2, pixel_format=pixel_format)
        watch_for_a_while(client, FrameCheck(crowd, every=False), chance.uniform(1, 4))
        if chance.random() < 0.5 and not client.closed:
            with contextlib.suppress(RequestFailedError):  # the story may be over
                watching.end()


def neighbour(crowd: Crowd, chance: random.Random) -> None:
    """Watches every frame of what runs through shared memory for a while."""
    story_id = crowd.running_story(chance)
    if story_id is None:
        return
    with Client.connect(crowd.address, PATIENCE_S) as client:
        watching = client.story(story_id).subscribe("every", credits=chance.randint(1, 16), memory=True)
        crowd.count("rings of shared memory", int(watching.in_memory))
        watch_for_a_while(client, FrameCheck(crowd), chance.uniform(1, 4))


def latecomer(crowd: Crowd, chance: random.Random) -> None:
    """Comes late, by asyncio, and wants everything from the first frame on: from memory or from disk."""
    story_id = crowd.running_story(chance)
    if story_id is not None:
        asyncio.run(_come_late(crowd, story_id, chance.uniform(1, 4)))


async def _come_late(crowd: Crowd, story_id: str, seconds: float) -> None:
    check = FrameCheck(crowd, first=0)
    async with await AsyncClient.connect(crowd.address, PATIENCE_S) as client:
        await client.story(story_id).subscribe("every", from_frame=0)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for event in await client.next_events(left):
                check.take(event)
                if isinstance(event, StoryClosed):
                    return


def doomed(crowd: Crowd, chance: random.Random) -> None:
    """A process that watches through shared memory, and is killed."""
    story_id = crowd.running_story(chance)
    if story_id is None:
        return
    process = subprocess.Popen(
        [sys.executable, "-c", DOOMED, crowd.address, story_id],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # of one that finds the story over
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline():
            time.sleep(chance.uniform(0.1, 1.5))
            crowd.count("readers killed")
    finally:
        process.kill()
        process.communicate()


def stranger(crowd: Crowd, chance: random.Random) -> None:
    """Connects, says something that is no ZeroMQ, and vanishes."""
    host, port = crowd.address.removeprefix("tcp://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 10) as knocking:
        knocking.sendall(chance.randbytes(chance.randint(0, 300)))
        if chance.random() < 0.5:
            knocking.settimeout(0.5)
            knocking.recv(1000)


def watch_for_a_while(client: Client, check: FrameCheck, seconds: float) -> None:
    """Takes what comes, up to the story's end."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for event in client.pump(left):
            check.take(event)
            if isinstance(event, StoryClosed):
                return


VISITS: tuple[tuple[Callable[[Crowd, random.Random], None], float], ...] = (
    (director, 0.5),
    (director, 2.0),
    (wanderer, 2.0),
    (deserter, 20.0),
    (onlooker, 1.0),
    (neighbour, 1.0),
    (latecomer, 2.0),
    (doomed, 15.0),
    (stranger, 3.0),
)
"""Who visits, and the seconds from one visit to the next."""
