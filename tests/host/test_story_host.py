# SPDX-License-Identifier: Apache-2.0
"""The whole way of a beat: client, socket, host, model, frames. Everything here is the real part."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from kept_frames import KeptFrames
from listener import CAPTION, beat, open_watched
from shotstream_bridge.errors import RequestFailedError
from shotstream_bridge.messages import EndpointLimits, StoryEnd, StoryLimits
from shotstream_bridge.story import BeatPolicy, StoryScript
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.host.rendering import render_story
from tiny_model_folder import CHUNK, CHUNKS_PER_SHOT, FIRST_CHUNK, HEIGHT, WIDTH

SHOT = FIRST_CHUNK + (CHUNKS_PER_SHOT - 1) * CHUNK


def test_a_story_of_three_shots_beat_by_beat(serve: Any, connect: Any, tiny_loaded: Any) -> None:
    server = serve()
    one = connect(server)
    info = one.client.server
    assert (info.model, info.width, info.height, info.fps) == ("tiny", WIDTH, HEIGHT, 16)
    assert info.weights_hash == tiny_loaded.profile.weights_hash != ""
    assert (info.frames_per_chunk, info.frames_in_first_chunk, info.chunks_per_shot) == (12, 9, 3)
    assert info.state.value == "ready"
    story = open_watched(one)
    for number in range(3):
        story.submit_beat(beat(f"b{number}"))
        one.until(lambda number=number: one.done(f"b{number}"))
    story.close()
    one.until(one.closed)

    frames = [frame.header for frame in one.frames()]
    assert [frame.index for frame in frames] == list(range(3 * SHOT))
    assert [frame.index_in_shot for frame in frames] == list(range(SHOT)) * 3
    assert [frame.shot for frame in frames] == [shot for shot in range(3) for _ in range(SHOT)]
    assert [frame.chunk for frame in frames[:SHOT]] == [0] * FIRST_CHUNK + [1] * CHUNK + [2] * CHUNK
    assert [frame.beat_id for frame in frames[::SHOT]] == ["b0", "b1", "b2"]
    assert [frame.pts_s for frame in frames] == pytest.approx([index / 16 for index in range(3 * SHOT)])
    assert {(frame.width, frame.height, frame.seed) for frame in frames} == {(WIDTH, HEIGHT, 7)}
    for number in range(3):
        assert one.stages(f"b{number}") == ["accepted", "scheduled", "first_frame", "done"]
        _, scheduled, first, done = one.statuses(f"b{number}")
        for status in (scheduled, first, done):
            assert (status.shot, status.first_frame) == (number, number * SHOT)
        assert (done.outcome, done.frames) == ("completed", SHOT)
    end = one.closed()
    assert (end.end, end.shots, end.frames) == (StoryEnd.DRAINED, 3, 3 * SHOT)
    assert one.heard[-1] is end


def test_frames_through_the_socket_are_those_of_a_render(serve: Any, connect: Any, tiny_loaded: Any) -> None:
    script = StoryScript(
        global_caption=CAPTION,
        seed=7,
        beats=(
            beat("a", chunks=2),
            beat("b", "now the fox jumps", mode="continue", chunks=1),
            beat("c", "close-up of the fox", chunks=1),
        ),
    )
    rendered = KeptFrames()
    render_story(tiny_loaded, EagerEngine(tiny_loaded.student), script, 7, rendered)
    one = connect(serve())
    story = open_watched(one)
    for script_beat in script.beats:
        # Queued, as a file's beats are: a `continue` would otherwise take over at once.
        story.submit_beat(script_beat.model_copy(update={"policy": BeatPolicy.QUEUE}))
    story.close()
    one.until(one.closed)
    assert np.array_equal(one.pixels(), np.stack(rendered.pixels))


def test_continue_redirects_the_running_shot_without_a_gap_and_leaves_what_waits(
    serve: Any, connect: Any
) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("waits", chunks=1))
    one.until(one.frames)
    story.submit_beat(beat("b", "the fox jumps", mode="continue", chunks=2))
    story.close()
    one.until(one.closed)
    first, second, third = one.done("a"), one.done("b"), one.done("waits")
    assert (first.outcome, second.outcome) == ("interrupted", "completed")
    assert (first.shot, second.shot) == (0, 0)
    assert (third.outcome, third.shot, third.frames) == ("completed", 1, FIRST_CHUNK)
    assert (first.frames - FIRST_CHUNK) % CHUNK == 0
    assert first.frames < FIRST_CHUNK + 29 * CHUNK
    assert second.frames == 2 * CHUNK
    assert second.first_frame == first.frames
    headers = [frame.header for frame in one.frames() if frame.header.shot == 0]
    assert [header.index_in_shot for header in headers] == list(range(first.frames + second.frames))
    assert [header.beat_id for header in headers] == ["a"] * first.frames + ["b"] * second.frames


def test_interrupt_cuts_at_the_next_chunk_and_drops_what_waits(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("waits"))
    one.until(one.frames)
    story.submit_beat(beat("b", "the fox sleeps", policy="interrupt", chunks=1))
    one.until(lambda: one.done("b"))
    assert (one.done("waits").outcome, one.done("waits").frames) == ("superseded", 0)
    assert one.stages("waits") == ["accepted", "done"]
    first = one.done("a")
    assert first.outcome == "interrupted"
    assert (first.frames - FIRST_CHUNK) % CHUNK == 0
    assert (one.done("b").shot, one.done("b").first_frame) == (1, first.frames)


def test_replace_lets_the_running_beat_finish(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=4))
    story.submit_beat(beat("waits"))
    one.until(one.frames)
    story.submit_beat(beat("b", policy="replace", chunks=1))
    one.until(lambda: one.done("b"))
    assert (one.done("a").outcome, one.done("a").frames) == ("completed", FIRST_CHUNK + 3 * CHUNK)
    assert one.done("waits").outcome == "superseded"
    assert one.done("b").first_frame == FIRST_CHUNK + 3 * CHUNK


def test_a_waiting_and_a_running_beat_can_be_cancelled(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("b", chunks=1))
    story.submit_beat(beat("c", chunks=1))
    one.until(one.frames)
    story.cancel_beat("b", wait=5)
    story.cancel_beat("a", wait=5)
    one.until(lambda: one.done("c"))
    assert (one.done("b").outcome, one.done("b").frames) == ("cancelled", 0)
    assert one.done("a").outcome == "cancelled"
    assert one.done("a").frames < FIRST_CHUNK + 29 * CHUNK
    assert (one.done("c").outcome, one.done("c").first_frame) == ("completed", one.done("a").frames)
    story.cancel_beat("b", wait=5)  # done already: nothing left to do, and no error
    with pytest.raises(RequestFailedError, match="unknown_beat"):
        story.cancel_beat("never", wait=5)


def test_closing_without_draining_stops_at_the_chunk(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=30))
    story.submit_beat(beat("b"))
    one.until(one.frames)
    story.close(drain=False)
    one.until(one.closed)
    assert one.closed().end is StoryEnd.STOPPED
    assert (one.done("a").outcome, one.done("b").outcome) == ("interrupted", "cancelled")
    assert one.closed().frames == len(one.frames()) == one.done("a").frames
    with pytest.raises(RequestFailedError, match="unknown_story"):
        story.submit_beat(beat("c"), wait=5)


def test_the_same_beat_twice_has_no_second_effect(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    again = one.client.open_story(global_caption=CAPTION, seed=7, story_id="story")
    assert again.opened.story_id == "story"
    for _ in range(3):
        story.submit_beat(beat("a", chunks=1), wait=5)
    one.until(lambda: one.done("a"))
    story.submit_beat(beat("a", chunks=1), wait=5)
    with pytest.raises(RequestFailedError, match="beat_exists"):
        story.submit_beat(beat("a", "another text", chunks=1), wait=5)
    story.close()
    one.until(one.closed)
    assert one.closed().frames == FIRST_CHUNK
    assert one.stages("a").count("done") == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"mode": "continue"}, "no_shot_to_continue"),
        ({"mode": "continue", "policy": "queue"}, "no_shot_to_continue"),
    ],
)
def test_continue_needs_a_shot(serve: Any, connect: Any, values: dict[str, Any], code: str) -> None:
    one = connect(serve())
    story = open_watched(one)
    with pytest.raises(RequestFailedError, match="no_shot_to_continue"):
        story.submit_beat(beat("a", **values), wait=5)
    story.submit_beat(beat("b", chunks=1), wait=5)
    one.until(lambda: one.done("b"))
    assert one.done("b").outcome == "completed"


def test_what_a_host_refuses(serve: Any, connect: Any) -> None:
    server = serve(limits=StoryLimits(beats_waiting=2, stories_per_client=2))
    one, two = connect(server), connect(server)
    # The watcher takes nothing, so the first beat cannot end while the others are sent.
    story = open_watched(one, auto_grant=False, credits=1)
    story.submit_beat(beat("running", chunks=100), wait=5)
    one.until(lambda: "first_frame" in one.stages("running"))
    story.submit_beat(beat("w1"), wait=5)
    story.submit_beat(beat("w2"), wait=5)
    with pytest.raises(
        RequestFailedError, match=r"queue_full \(field beat\): 2 beats wait.*beats_waiting is 2"
    ):
        story.submit_beat(beat("w3"), wait=5)
    with pytest.raises(RequestFailedError, match="story_exists"):
        two.client.open_story(global_caption="another", story_id="story")
    with pytest.raises(RequestFailedError, match="not_owner"):
        two.client.story("story").submit_beat(beat("x"), wait=5)
    with pytest.raises(RequestFailedError, match="not_owner"):
        two.client.story("story").close(wait=5)
    with pytest.raises(RequestFailedError, match="unknown_story"):
        two.client.story("none").submit_beat(beat("x"), wait=5)
    one.client.open_story(global_caption=CAPTION, story_id="second")
    many = r"too_many_stories \(field story_id\): this client has 2.*stories_per_client is 2"
    with pytest.raises(RequestFailedError, match=many):
        one.client.open_story(global_caption=CAPTION, story_id="third")


def test_a_caption_outside_the_models_world_gives_a_notice(serve: Any, connect: Any) -> None:
    one = connect(serve())
    story = open_watched(one)
    story.submit_beat(beat("a", "the submarine explodes in a volcano", chunks=1))
    one.until(lambda: one.done("a"))
    notices = [event for event in one.heard if type(event).__name__ == "Notice"]
    assert notices
    assert {notice.beat_id for notice in notices} == {"a"}
    assert "outside_world" in {notice.code for notice in notices}
    assert "volcano" in " ".join(notice.text for notice in notices)


def test_two_stories_take_turns(serve: Any, connect: Any) -> None:
    server = serve()
    alone = connect(server)
    story = open_watched(alone, "alone", seed=3)
    story.submit_beat(beat("a", chunks=6))
    frames = FIRST_CHUNK + 5 * CHUNK
    alone.until(lambda: len(alone.frames()) == frames)
    one, two = connect(server), connect(server)
    first, second = open_watched(one, "one", seed=3), open_watched(two, "two", seed=4)
    first.submit_beat(beat("a", chunks=6), wait=5)
    second.submit_beat(beat("a", chunks=6), wait=5)
    one.until(lambda: len(one.frames()) == frames)
    two.until(lambda: len(two.frames()) == frames)
    # Neither waited for the other's end, and neither changed the other's frames.
    mine, yours = ([frame.header.created_ns for frame in listener.frames()] for listener in (one, two))
    assert max(mine[0], yours[0]) < min(mine[-1], yours[-1])
    merged = sorted([(time, "one") for time in mine] + [(time, "two") for time in yours])
    turns = sum(left[1] != right[1] for left, right in pairwise(merged))
    assert turns >= 8
    assert np.array_equal(one.pixels(), alone.pixels())
    assert not np.array_equal(two.pixels(), alone.pixels())


def test_a_stalled_lossless_watcher_pauses_its_own_story_only(serve: Any, connect: Any) -> None:
    server = serve(connection_limits=EndpointLimits(backlog_frames=12))
    stalled, free = connect(server), connect(server)
    held = open_watched(stalled, "held", auto_grant=False, credits=1)
    held.submit_beat(beat("a", chunks=8), wait=5)
    story = open_watched(free, "free")
    story.submit_beat(beat("a", chunks=8), wait=5)
    free.until(lambda: free.done("a"))
    stalled.for_s(0.5)
    assert stalled.done("a") is None
    assert len(stalled.frames()) == 1
    # What is not wanted is not generated: the rest comes when credits do, and nothing is lost.
    subscription = stalled.frames()[0].header.subscription
    while len(stalled.frames()) < FIRST_CHUNK + 7 * CHUNK:
        stalled.client.core.grant(subscription, 4)
        seen = len(stalled.frames())
        stalled.until(lambda seen=seen: len(stalled.frames()) > seen)
    indices = [frame.header.index for frame in stalled.frames()]
    assert indices == list(range(FIRST_CHUNK + 7 * CHUNK))


def test_a_live_watcher_skips_and_slows_nobody(serve: Any, connect: Any) -> None:
    server = serve()
    owner, live = connect(server), connect(server)
    story = open_watched(owner)
    live.client.story("story").subscribe("latest", credits=1, auto_grant=False)
    story.submit_beat(beat("a", chunks=6))
    owner.until(lambda: owner.done("a") and len(owner.frames()) == FIRST_CHUNK + 5 * CHUNK)
    live.for_s(0.2)
    assert len(live.frames()) == 1
    live.client.core.grant(live.frames()[0].header.subscription, 1)
    live.until(lambda: len(live.frames()) == 2)
    first, second = (frame.header for frame in live.frames())
    assert second.index == FIRST_CHUNK + 5 * CHUNK - 1
    assert second.skipped == second.index - first.index - 1


def test_stalled_watchers_do_not_keep_a_story_from_being_stopped(serve: Any, connect: Any) -> None:
    one = connect(serve(connection_limits=EndpointLimits(backlog_frames=12)))
    story = open_watched(one, auto_grant=False, credits=1)
    story.submit_beat(beat("a", chunks=20), wait=5)
    one.until(one.frames)
    story.close(drain=False)
    one.until(lambda: one.done("a"))
    assert one.done("a").outcome == "interrupted"
