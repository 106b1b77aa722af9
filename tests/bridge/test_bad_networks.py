# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that delays and loses what passes; cuts are in test_resume."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pytest
from scripted_service import HEIGHT, PATIENCE_S, WIDTH, ScriptedService, picture
from shotstream_bridge import (
    BeatScript,
    Client,
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    FrameDamaged,
    ReceivedFrame,
    StoryClosed,
)
from tcp_proxy import TcpProxy

FRAME_BYTES = WIDTH * HEIGHT * 3
DELAY_S = 0.08


def frames(events: list[ClientEvent]) -> list[ReceivedFrame]:
    return [event for event in events if isinstance(event, ReceivedFrame)]


def play(client: Client, events: list[ClientEvent]) -> None:
    """Pumps until the story has closed or the client has given up."""
    deadline = time.monotonic() + 3 * PATIENCE_S
    while not any(isinstance(event, StoryClosed | ConnectionLost) for event in events):
        assert time.monotonic() < deadline, f"it hangs after {len(events)} events"
        events += client.pump(0.05)


def test_a_slow_network_delays_and_breaks_nothing(player: ScriptedService) -> None:
    """Every frame comes in order over a slow connection, and no sooner for a neighbour's being fast."""
    with (
        TcpProxy(player.endpoint.address) as proxy,
        Client.connect(proxy.address, heartbeat_s=0.1, timeout_s=3.0) as far,
        Client.connect(player.endpoint.address) as near,
    ):
        proxy.delay(DELAY_S)
        asked = time.monotonic()
        story = far.open_story(global_caption="", story_id="s1")
        assert time.monotonic() - asked > 2 * DELAY_S
        story.subscribe("every", credits=4)
        near.story("s1").subscribe("every", credits=4)
        story.submit_beat(BeatScript(id="b", text="A fox.", chunks=4), wait=PATIENCE_S)
        story.close()
        ends: dict[str, float] = {}
        seen: dict[str, list[ClientEvent]] = {"far": [], "near": []}

        def watch(name: str, client: Client) -> None:
            play(client, seen[name])
            ends[name] = time.monotonic()

        threads = [threading.Thread(target=watch, args=pair) for pair in (("far", far), ("near", near))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(4 * PATIENCE_S)
        for events in seen.values():
            assert [frame.header.index for frame in frames(events)] == list(range(48))
            assert not any(isinstance(event, ConnectionInterrupted) for event in events)
        # What is made fits the backlog: the near one need not wait until the far one has it.
        assert ends["far"] - ends["near"] > DELAY_S


@pytest.mark.parametrize(
    "seed", [seed if seed < 5 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(30)]
)
def test_lost_bytes_never_become_a_wrong_picture(seed: int) -> None:
    """The stream goes on without some of its bytes: noticed, whatever they were, and never a hang."""
    chance = random.Random(seed)  # noqa: S311 - a test
    with ScriptedService(autoplay=True) as player, TcpProxy(player.endpoint.address) as proxy:
        with Client.connect(proxy.address, heartbeat_s=0.1, timeout_s=1.0, reconnect_s=5.0) as client:
            story = client.open_story(global_caption="", story_id="s1")
            story.subscribe("every", credits=8)
            story.submit_beat(BeatScript(id="b", text="A fox.", chunks=10))
            events: list[ClientEvent] = []
            deadline = time.monotonic() + PATIENCE_S
            while len(frames(events)) < 20:
                assert time.monotonic() < deadline
                events += client.pump(0.05)
            proxy.lose(chance.randint(1, 3 * FRAME_BYTES))
            if client.connected:
                story.close()
            play(client, events)
        got = frames(events)
        indices = [frame.header.index for frame in got]
        assert indices == sorted(set(indices))
        assert all(np.array_equal(frame.rgb(), picture(frame.header.index)) for frame in got)
        told = sum(isinstance(event, FrameDamaged) for event in events)
        lost = any(isinstance(event, ConnectionLost) for event in events)
        assert lost or len(got) + told == 120, f"{len(got)} frames, {told} damaged"
        with Client.connect(player.endpoint.address) as another:
            assert another.connected


def test_closing_does_not_wait_for_what_a_lost_connection_never_took(player: ScriptedService) -> None:
    """A message that was handed over just as the connection went must not hold up the end of the program."""
    with TcpProxy(player.endpoint.address) as proxy:
        client = Client.connect(proxy.address)
        story = client.open_story(global_caption="", story_id="s1")
        proxy.refuse(True)
        proxy.cut()
        time.sleep(0.1)  # the library knows that the connection is gone, the client has not looked yet
        story.submit_beat(BeatScript(id="b", text="A fox."), wait=0)
        events: list[ClientEvent] = []
        deadline = time.monotonic() + PATIENCE_S
        while not any(isinstance(event, ConnectionInterrupted) for event in events):
            assert time.monotonic() < deadline, events
            events += client.pump(0.05)
        closing = threading.Thread(target=client.close, daemon=True)
        closing.start()
        closing.join(PATIENCE_S)
        assert not closing.is_alive(), "close() hangs"
