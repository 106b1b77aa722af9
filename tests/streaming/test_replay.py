# SPDX-License-Identifier: Apache-2.0
"""A story that is opened anew with its past goes on to the bit as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import (
    BeatDone,
    BeatScheduled,
    ChunkFinished,
    ChunkStarted,
    FramesReady,
    ShotFinished,
    StreamEvent,
)
from shotstream_runtime.streaming.replay import ReplayStep, StoryPast
from shotstream_runtime.streaming.story import StoryStream

OpenStory = Callable[..., StoryStream]


@pytest.fixture(scope="module")
def open_story(tiny_model: Any) -> OpenStory:
    def open_(past: StoryPast | None = None) -> StoryStream:
        engine = EagerEngine(tiny_model.student)
        return StoryStream(tiny_model, engine, global_caption="a fox in the snow. ", seed=7, past=past)

    return open_


BEATS = [
    Beat(id="a", text="a", chunks=2),
    Beat(id="b", text="b", mode="continue", policy="queue", chunks=2),
    Beat(id="c", text="c", chunks=1),
    Beat(id="d", text="d", chunks=6),
]


def disturb(story: StoryStream, chunk: int) -> None:
    """What a client does before this chunk, beyond the first beats."""
    if chunk == 7:  # in the middle of "d"
        story.submit(Beat(id="e", text="e", mode="continue", chunks=2))
    if chunk == 9:
        story.submit(Beat(id="f", text="f", chunks=3))
    if chunk == 11:
        story.cancel("f")


def run_whole(story: StoryStream) -> list[StreamEvent]:
    for beat in BEATS:
        story.submit(beat)
    events: list[StreamEvent] = []
    chunk = -1
    while True:
        done = sum(isinstance(event, ChunkFinished) for event in events)
        for chunk in range(chunk + 1, done + 1):  # noqa: B020 - once for each chunk reached
            disturb(story, chunk)
        if story.idle:
            return events
        events.extend(story.advance())


@pytest.fixture(scope="module")
def whole(open_story: OpenStory) -> list[StreamEvent]:
    """An undisturbed run."""
    return run_whole(open_story())


def pixels(events: list[StreamEvent]) -> np.ndarray:
    return np.concatenate([event.pixels for event in events if isinstance(event, FramesReady)])


def past_of(events: list[StreamEvent], stop: int, keep_latents: int) -> StoryPast:
    """The past up to the first `stop` events: the last shot's latents less the last ones."""
    beats = {beat.id: beat for beat in [*BEATS, Beat(id="e", text="e", mode="continue", chunks=2)]}
    beats["f"] = Beat(id="f", text="f", chunks=3)
    lengths: list[int] = []
    history: dict[int, Any] = {}
    steps: list[ReplayStep] = []
    latents: list[torch.Tensor] = []
    started = first = 0
    for event in events[:stop]:
        match event:
            case ShotFinished(frames=frames) if frames:
                lengths.append(frames)
                history[event.shot] = event.history
                steps, latents, first = [], [], started
            case ChunkStarted():
                started += 1
            case ChunkFinished():
                latents.append(event.latents)
            case BeatScheduled():
                steps.append(ReplayStep(started, beats[event.beat_id]))
            case BeatDone(outcome="cancelled", shot=int()):
                steps.append(ReplayStep(started, None))
    return StoryPast(
        shot_lengths=lengths,
        history={shot: history[shot] for shot in sorted(history)[-6:]},
        first_chunk=first,
        steps=steps,
        chunks=started,
        latents=latents[: max(0, len(latents) - keep_latents)],
    )


@pytest.mark.parametrize("lost_latents", [0, 1])
@pytest.mark.parametrize("stop_chunk", [0, 1, 3, 4, 6, 8, 9, 10])
def test_the_rest_is_the_same_to_the_bit(
    open_story: OpenStory, whole: list[StreamEvent], stop_chunk: int, lost_latents: int
) -> None:
    expected = pixels(whole)
    starts = [place for place, event in enumerate(whole) if isinstance(event, ChunkStarted)]
    past = past_of(whole, starts[stop_chunk] + 2, lost_latents)
    assert past.chunks == stop_chunk + 1
    story = open_story(past)
    begun = {event.beat_id for event in whole[: starts[stop_chunk]] if isinstance(event, BeatScheduled)}
    for beat in BEATS:
        if beat.id not in begun:
            story.submit(beat)
    events: list[StreamEvent] = []
    while not story.idle:
        events.extend(story.advance())
        done = past.first_chunk + sum(isinstance(event, ChunkFinished) for event in events)
        if done > stop_chunk:
            disturb(story, done)
    frames = pixels(events)
    assert len(frames) == len(expected) - sum(past.shot_lengths)
    assert np.array_equal(frames, expected[sum(past.shot_lengths) :])
    scheduled = [event for event in whole if isinstance(event, BeatScheduled)]
    assert [e for e in events if isinstance(e, BeatScheduled)] == [
        e for e in scheduled if e.shot >= len(past.shot_lengths)
    ]


def test_kept_latents_spare_the_denoising(
    open_story: OpenStory, whole: list[StreamEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = [place for place, event in enumerate(whole) if isinstance(event, ChunkStarted)]
    story = open_story(past_of(whole, starts[8], 0))
    monkeypatch.setattr(story._place.session, "denoise", None)
    events: list[StreamEvent] = []
    for _ in range(3):
        events.extend(story.advance())
    assert sum(isinstance(event, ChunkFinished) for event in events) == 3


def test_a_waiting_interrupt_does_not_change_the_past(
    open_story: OpenStory, whole: list[StreamEvent]
) -> None:
    starts = [place for place, event in enumerate(whole) if isinstance(event, ChunkStarted)]
    past = past_of(whole, starts[6] + 1, 0)
    story = open_story(past)
    story.submit(Beat(id="now", text="now", mode="continue", policy="interrupt", chunks=1))
    events: list[StreamEvent] = []
    while not story.idle:
        events.extend(story.advance())
    begun = [(event.beat_id, event.first_frame) for event in events if isinstance(event, BeatScheduled)]
    frames = [event for event in whole[: starts[7]] if isinstance(event, FramesReady)]
    assert begun[-1] == ("now", frames[-1].first_index + len(frames[-1].pixels))
    again = pixels(events)
    before = pixels(whole[: starts[7]])[sum(past.shot_lengths) :]
    assert np.array_equal(again[: len(before)], before)


def test_a_past_that_cannot_be_is_refused(open_story: OpenStory) -> None:
    with pytest.raises(ValueError, match="of shot 0 are missing from the story's history"):
        open_story(StoryPast(shot_lengths=[9], history={}))
    story = open_story(StoryPast(chunks=3))
    with pytest.raises(ValueError, match="no beat for its chunk 0"):
        list(story.advance())
