# SPDX-License-Identifier: Apache-2.0
"""Who waits for whom when several clients watch real stories, and who does not."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from listener import Listener, beat, open_watched
from shotstream_bridge.messages import EndpointLimits
from tiny_model_folder import CHUNK, FIRST_CHUNK

BACKLOG = 24
CHUNKS = 12
FRAMES = FIRST_CHUNK + (CHUNKS - 1) * CHUNK


def indices(listener: Listener, story_id: str = "story") -> list[int]:
    return [frame.header.index for frame in listener.frames(story_id)]


@pytest.fixture
def paused(serve: Any, connect: Any) -> tuple[Any, Listener, Listener, Any]:
    """A story that stands still, as a lossless watcher takes nothing: server, owner, that one, handle."""
    server = serve(connection_limits=EndpointLimits(backlog_frames=BACKLOG))
    owner, stalled = connect(server, "owner"), connect(server, "stalled")
    story = open_watched(owner)
    stalled.client.story("story").subscribe("every", credits=1, auto_grant=False)
    story.submit_beat(beat("a", chunks=CHUNKS))
    owner.until(lambda: len(owner.frames()) >= BACKLOG)
    owner.for_s(0.3)
    return server, owner, stalled, story


def test_a_stalled_watcher_pauses_the_next_chunk_of_its_story_and_nothing_else(
    paused: tuple[Any, Listener, Listener, Any], connect: Any
) -> None:
    server, owner, stalled, story = paused
    made = len(owner.frames())
    # Whole chunks were made, a few beyond what may wait, and then no more.
    assert (made - FIRST_CHUNK) % CHUNK == 0
    assert BACKLOG <= made <= BACKLOG + 1 + 2 * CHUNK < FRAMES
    # The other watcher of the story has every frame that there is.
    assert indices(owner) == list(range(made))
    # The story takes beats and gives them back.
    story.submit_beat(beat("b", chunks=2), wait=20)
    story.submit_beat(beat("c", chunks=2), wait=20)
    story.cancel_beat("c")
    # Another story goes on to its end.
    other = connect(server, "other")
    elsewhere = open_watched(other, "elsewhere")
    elsewhere.submit_beat(beat("a", chunks=CHUNKS))
    other.until(lambda: other.done("a"))
    assert other.done("a").outcome == "completed"
    owner.for_s(0.2)
    assert len(owner.frames()) == made
    # When the one that stalled leaves, the story goes on, and the owner misses nothing.
    stalled.client.close()
    owner.until(lambda: owner.done("b"))
    owner.until(lambda: len(owner.frames()) == FRAMES + FIRST_CHUNK + CHUNK)
    assert indices(owner) == list(range(FRAMES + FIRST_CHUNK + CHUNK))
    assert [owner.done(name).outcome for name in "abc"] == ["completed", "completed", "cancelled"]


def test_a_story_that_is_paused_can_be_steered(paused: tuple[Any, Listener, Listener, Any]) -> None:
    _, owner, stalled, story = paused
    made = len(owner.frames())
    story.submit_beat(beat("now", "the fox jumps", policy="interrupt", chunks=2), wait=20)
    story.close()
    subscription = stalled.frames()[0].header.subscription if stalled.frames() else 0
    stalled.until(stalled.frames)
    stalled.client.core.grant(subscription, 200)
    stalled.until(lambda: stalled.closed("story"))
    owner.until(lambda: owner.closed("story"))
    # The beat took over where the story stood, or one chunk later if its caption was still being prepared.
    first = owner.statuses("now")[-1].first_frame
    assert first in (made, made + CHUNK)
    total = first + FIRST_CHUNK + CHUNK
    assert indices(owner) == indices(stalled) == list(range(total))
    assert np.array_equal(owner.pixels("story"), stalled.pixels("story"))


def test_watchers_of_one_story_each_go_at_their_own_pace(serve: Any, connect: Any) -> None:
    """A quick one, one that takes three frames at a time, live ones quick and stalled: of the same story."""
    server = serve(connection_limits=EndpointLimits(backlog_frames=BACKLOG))
    quick, slow, live = connect(server, "quick"), connect(server, "slow"), connect(server, "live")
    still = [connect(server, f"still{number}") for number in range(8)]
    story = open_watched(quick)
    slow.client.story("story").subscribe("every", credits=3, auto_grant=False)
    live.client.story("story").subscribe("latest", credits=1)
    for listener in still:
        listener.client.story("story").subscribe("latest", credits=1, auto_grant=False)
    story.submit_beat(beat("a", chunks=CHUNKS))
    story.close()
    deadline = time.monotonic() + 40
    furthest = 0
    while len(slow.frames()) < FRAMES:
        assert time.monotonic() < deadline
        before = len(slow.frames())
        for listener in (quick, live, slow):
            listener.for_s(0.005)
        furthest = max(furthest, len(quick.frames()) - len(slow.frames()))
        if len(slow.frames()) > before:
            number = slow.frames()[-1].header.subscription
            slow.client.core.grant(number, len(slow.frames()) - before)
    for listener in (quick, slow, live):
        listener.until(lambda listener=listener: listener.closed("story"))
    assert indices(quick) == indices(slow) == list(range(FRAMES))
    assert np.array_equal(quick.pixels(), slow.pixels())
    # The quick one ran ahead, as far as the slow one's backlog lets generation go.
    assert CHUNK < furthest <= BACKLOG + 3 * CHUNK
    # The live one has the last frame, and every frame that it has not was counted.
    assert indices(live)[-1] == FRAMES - 1
    assert len(live.frames()) + sum(frame.header.skipped for frame in live.frames()) == FRAMES
    # Those that took one frame and no more did not hold anybody up: all of the above came to its end.
    for listener in still:
        listener.for_s(0.01)
        assert len(listener.frames()) == 1


def test_live_watchers_that_take_nothing_never_pause_a_story(serve: Any, connect: Any) -> None:
    """With live watchers alone generation runs at its own speed, however little they take."""
    server = serve(connection_limits=EndpointLimits(backlog_frames=BACKLOG))
    owner = connect(server, "owner")
    story = owner.client.open_story(global_caption="A fox.", story_id="story")
    for number in range(12):
        watcher = connect(server, f"live{number}")
        watcher.client.story("story").subscribe("latest", credits=1, auto_grant=False)
    story.submit_beat(beat("a", chunks=4 * CHUNKS))
    owner.until(lambda: owner.done("a"))
    assert owner.done("a").frames == FIRST_CHUNK + (4 * CHUNKS - 1) * CHUNK
