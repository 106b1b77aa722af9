# SPDX-License-Identifier: Apache-2.0
"""A client that loses its connection while a real model generates: nothing of its story is lost."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from listener import CAPTION, Listener, beat, open_watched
from shotstream_bridge.events import ConnectionInterrupted, ConnectionResumed
from shotstream_bridge.messages import Quotas, StoryEnd
from shotstream_bridge.story import BeatPolicy, BeatScript
from tcp_proxy import TcpProxy
from tiny_model_folder import HEIGHT, WIDTH

BEATS = (
    beat("a", chunks=3),
    beat("b", "now the fox jumps", mode="continue", chunks=2),
    beat("c", "close-up of the fox", chunks=2),
)


def play(listener: Listener, story: Any, beats: tuple[BeatScript, ...] = BEATS) -> None:
    for script in beats:
        story.submit_beat(script.model_copy(update={"policy": BeatPolicy.QUEUE}))
    story.close()


@pytest.mark.parametrize("memory", [False, True], ids=["connection", "shared memory"])
def test_a_story_over_a_bad_network_is_the_story(serve: Any, connect: Any, memory: bool) -> None:
    server = serve()
    undisturbed = connect(server)
    play(undisturbed, open_watched(undisturbed, "first"))
    undisturbed.until(undisturbed.closed)

    chance = random.Random(11)  # noqa: S311 - a test
    with TcpProxy(server.address) as proxy:
        one = Listener(proxy.address)
        try:
            play(one, open_watched(one, "second", memory=memory))
            for cut in range(1, 4):
                one.until(lambda cut=cut: len(one.frames()) >= cut * 12)
                proxy.cut_after(chance.randint(1, WIDTH * HEIGHT * 3))
                one.until(lambda cut=cut: resumptions(one) >= cut or one.closed())
            one.until(one.closed)
            assert resumptions(one) >= 1, "it was never lost, and this test shows nothing"
        finally:
            one.client.close()
    assert one.closed().end is StoryEnd.DRAINED
    assert [frame.header.index for frame in one.frames()] == list(range(len(undisturbed.frames())))
    assert np.array_equal(one.pixels(), undisturbed.pixels())
    for script in BEATS:
        assert one.stages(str(script.id)) == ["accepted", "scheduled", "first_frame", "done"]


def resumptions(listener: Listener) -> int:
    return sum(isinstance(event, ConnectionResumed) for event in listener.heard)


def test_the_stories_of_a_client_that_does_not_come_back_are_stopped(serve: Any, connect: Any) -> None:
    server = serve(quotas=Quotas(resume_s=0.3))
    witness = connect(server)
    with TcpProxy(server.address) as proxy:
        lost = Listener(proxy.address)
        story = open_watched(lost, "story")
        story.submit_beat(beat("long", chunks=200))
        lost.until(lost.frames)
        witness.client.story("story").subscribe("latest")
        proxy.refuse(True)
        proxy.cut()
        lost.until(lambda: any(isinstance(event, ConnectionInterrupted) for event in lost.heard))
        witness.until(witness.closed)
        lost.client.close()
    assert witness.closed().end is StoryEnd.STOPPED


def test_a_story_opened_twice_over_a_lost_connection_is_one(serve: Any, connect: Any) -> None:
    server = serve()
    with TcpProxy(server.address) as proxy:
        one = Listener(proxy.address)
        try:
            proxy.cut_after(1)
            story = one.client.open_story(global_caption=CAPTION, seed=7, story_id="story", wait=30)
            story.subscribe(wait=30)
            story.submit_beat(beat("a", chunks=1))
            story.close()
            one.until(one.closed)
            assert resumptions(one) == 1
        finally:
            one.client.close()
    assert one.stages("a") == ["accepted", "scheduled", "first_frame", "done"]
