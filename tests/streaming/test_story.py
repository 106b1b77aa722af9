# SPDX-License-Identifier: Apache-2.0
"""How beats steer a running story, on a tiny student with real structure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from shotstream_runtime.engines import EagerEngine
from shotstream_runtime.streaming.beats import Beat, BeatRefused
from shotstream_runtime.streaming.events import (
    BeatDone,
    BeatScheduled,
    CaptionNoticed,
    ChunkStarted,
    FramesReady,
    ShotFinished,
    StreamEvent,
)
from shotstream_runtime.streaming.story import StoryStream


@dataclass(frozen=True)
class Lengths:
    """Frames of the pieces that a story of the golden model is made of, whatever folder it comes from."""

    latents_per_chunk: int
    frames_per_latent: int

    @property
    def chunk(self) -> int:
        """Frames of a chunk."""
        return self.latents_per_chunk * self.frames_per_latent

    @property
    def first_chunk(self) -> int:
        """Frames of a shot's first chunk, whose first latent is one frame."""
        return self.chunk - self.frames_per_latent + 1

    def shot(self, chunks: int) -> int:
        """Frames of a shot."""
        return self.first_chunk + (chunks - 1) * self.chunk


@pytest.fixture(scope="module")
def lengths(tiny_model: Any) -> Lengths:
    return Lengths(tiny_model.student.config.frames_per_chunk, tiny_model.video.temporal_factor)


@pytest.fixture
def open_story(tiny_model: Any) -> Callable[..., StoryStream]:
    def open_(seed: int = 7) -> StoryStream:
        engine = EagerEngine(tiny_model.student)
        return StoryStream(tiny_model, engine, global_caption="a fox in the snow. ", seed=seed)

    return open_


def beat(name: str, text: str | None = None, **values: Any) -> Beat:
    return Beat(id=name, text=text or f"text of {name}", **{"chunks": 2, **values})


def run(story: StoryStream, chunks: int | None = None) -> list[StreamEvent]:
    """Advances until idle, or a number of times."""
    events: list[StreamEvent] = []
    while not story.idle and chunks != 0:
        events.extend(story.advance())
        chunks = None if chunks is None else chunks - 1
    return events


def frames(events: list[StreamEvent]) -> np.ndarray:
    return np.concatenate([event.pixels for event in events if isinstance(event, FramesReady)])


def done(events: list[StreamEvent]) -> list[tuple[str, str, int]]:
    return [(event.beat_id, event.outcome, event.frames) for event in events if isinstance(event, BeatDone)]


def scheduled(events: list[StreamEvent]) -> list[tuple[str, int, int]]:
    return [
        (event.beat_id, event.shot, event.first_frame) for event in events if isinstance(event, BeatScheduled)
    ]


def test_frames_are_numbered_without_a_gap_and_leave_latent_by_latent(
    open_story: Any, lengths: Lengths
) -> None:
    story = open_story()
    story.submit(beat("a"))
    story.submit(beat("b"))
    events = run(story)
    batches = [event for event in events if isinstance(event, FramesReady)]
    per_chunk = lengths.latents_per_chunk
    shot = [1, *[lengths.frames_per_latent] * (2 * per_chunk - 1)]
    assert [len(batch.pixels) for batch in batches] == shot * 2
    assert [batch.first_index for batch in batches] == np.cumsum([0, *shot * 2])[:-1].tolist()
    assert [batch.first_index_in_shot for batch in batches] == np.cumsum([0, *shot])[:-1].tolist() * 2
    assert [batch.chunk for batch in batches] == ([0] * per_chunk + [1] * per_chunk) * 2
    assert batches[0].pixels.dtype == np.uint8
    assert scheduled(events) == [("a", 0, 0), ("b", 1, lengths.shot(2))]
    assert done(events) == [("a", "completed", lengths.shot(2)), ("b", "completed", lengths.shot(2))]
    assert ShotFinished(0, lengths.shot(2)) in events


def test_the_first_latent_leaves_before_the_chunk_is_decoded(open_story: Any) -> None:
    story = open_story()
    story.submit(beat("a"))
    events = story.advance()
    assert isinstance(next(events), BeatScheduled)
    assert next(events) == ChunkStarted(0, 0)
    first = next(events)
    assert isinstance(first, FramesReady)
    assert len(first.pixels) == 1
    assert story._shot is not None
    assert len(story._shot.frames) == 1


def test_same_seed_same_frames_other_seed_other_frames(open_story: Any) -> None:
    results = []
    for seed in (1, 1, 2):
        story = open_story(seed)
        story.submit(beat("a"))
        story.submit(beat("b"))
        results.append(frames(run(story)))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_frames_do_not_depend_on_when_a_beat_was_sent(open_story: Any) -> None:
    together, apart = open_story(), open_story()
    together.submit(beat("a"))
    together.submit(beat("b"))
    expected = frames(run(together))
    apart.submit(beat("a"))
    first = run(apart)
    apart.submit(beat("b"))
    assert np.array_equal(np.concatenate([frames(first), frames(run(apart))]), expected)


def test_the_caption_and_the_history_reach_the_frames(open_story: Any, lengths: Lengths) -> None:
    def second_shot(first: str, second: str) -> np.ndarray:
        story = open_story()
        story.submit(beat("a", first))
        story.submit(beat("b", second))
        return frames(run(story))[lengths.shot(2) :]

    reference = second_shot("walks", "sleeps")
    assert not np.array_equal(reference, second_shot("walks", "jumps"))
    assert not np.array_equal(reference, second_shot("runs", "sleeps"))


def test_interrupt_ends_the_running_shot_at_the_next_chunk(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    story.submit(beat("a", chunks=5))
    story.submit(beat("b"))
    events = run(story, 2)
    story.submit(beat("c", policy="interrupt"))
    events += run(story)
    assert scheduled(events) == [("a", 0, 0), ("c", 1, lengths.shot(2))]
    assert done(events) == [
        ("b", "superseded", 0),
        ("a", "interrupted", lengths.shot(2)),
        ("c", "completed", lengths.shot(2)),
    ]


def test_replace_drops_what_waits_and_lets_the_running_beat_finish(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    story.submit(beat("a"))
    story.submit(beat("b"))
    events = run(story, 1)
    story.submit(beat("c", policy="replace"))
    events += run(story)
    assert done(events) == [
        ("b", "superseded", 0),
        ("a", "completed", lengths.shot(2)),
        ("c", "completed", lengths.shot(2)),
    ]


def test_continue_redirects_from_the_next_chunk_on(open_story: Any, lengths: Lengths) -> None:
    plain, redirected = open_story(), open_story()
    plain.submit(beat("a", chunks=3))
    expected = frames(run(plain))
    redirected.submit(beat("a", chunks=3))
    events = run(redirected, 1)
    redirected.submit(beat("jump", "jumps", mode="continue", chunks=2))
    events += run(redirected)
    assert scheduled(events) == [("a", 0, 0), ("jump", 0, lengths.first_chunk)]
    assert done(events) == [
        ("a", "interrupted", lengths.first_chunk),
        ("jump", "completed", 2 * lengths.chunk),
    ]
    seen = frames(events)
    assert np.array_equal(seen[: lengths.first_chunk], expected[: lengths.first_chunk])
    assert not np.array_equal(seen[lengths.first_chunk :], expected[lengths.first_chunk :])


def test_continue_with_the_same_words_changes_nothing(open_story: Any) -> None:
    """The caches are kept: redirecting to the same caption gives the frames of the undisturbed shot."""
    plain, redirected = open_story(), open_story()
    plain.submit(beat("a", "walks", chunks=3))
    expected = frames(run(plain))
    redirected.submit(beat("a", "walks", chunks=3))
    events = run(redirected, 1)
    redirected.submit(beat("b", "walks", mode="continue", chunks=2))
    assert np.array_equal(frames(events + run(redirected)), expected)


def test_a_redirection_keeps_waiting_cuts(open_story: Any) -> None:
    story = open_story()
    story.submit(beat("a", chunks=3))
    story.submit(beat("b"))
    events = run(story, 1)
    story.submit(beat("jump", mode="continue"))
    assert [name for name, _, _ in scheduled(events + run(story))] == ["a", "jump", "b"]


def test_a_redirection_before_the_first_shot_begins_redirects_it(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    for name in ("a", "b"):
        story.submit(beat(name, chunks=2))
    story.submit(beat("jump", mode="continue", chunks=1))
    events = run(story)
    assert scheduled(events) == [("a", 0, 0), ("jump", 0, lengths.first_chunk), ("b", 1, lengths.shot(2))]
    assert [outcome for _, outcome, _ in done(events)] == ["interrupted", "completed", "completed"]


def test_a_finished_shot_can_be_extended_with_the_frames_of_one_longer_shot(open_story: Any) -> None:
    """The next shot's context was prefetched meanwhile; extending brings the old one back."""
    long, extended = open_story(), open_story()
    for name in ("a", "b"):
        long.submit(beat(name, name))
    long.submit(beat("c", "b", mode="continue", policy="queue"))
    long.submit(beat("d", "d"))
    expected = frames(run(long))
    events: list[StreamEvent] = []
    for values in (beat("a", "a"), beat("b", "b"), beat("c", "b", mode="continue"), beat("d", "d")):
        extended.submit(values)
        events += run(extended)
        assert extended.idle
    assert np.array_equal(frames(events), expected)


def test_continue_takes_what_remains_of_the_default_length(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    story.submit(beat("a", chunks=5))
    story.submit(beat("rest", mode="continue", policy="queue", chunks=None))
    events = run(story)
    assert done(events)[1] == ("rest", "completed", 2 * lengths.chunk)


def test_a_shot_longer_than_the_window_keeps_going(
    open_story: Any, lengths: Lengths, tiny_model: Any
) -> None:
    story = open_story()
    config = tiny_model.student.config
    chunks = config.local_window_frames // config.frames_per_chunk + 2
    story.submit(beat("a", chunks=chunks))
    assert len(frames(run(story))) == lengths.shot(chunks)


def test_cancel_waiting_and_running(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    story.submit(beat("a", chunks=5))
    story.submit(beat("b"))
    events = run(story, 1)
    assert story.cancel("b")
    assert story.cancel("a")
    assert not story.cancel("nobody")
    events += run(story)
    assert done(events) == [("b", "cancelled", 0), ("a", "cancelled", lengths.first_chunk)]


def test_cancel_finds_a_beat_that_is_just_starting(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    story.submit(beat("a"))
    events = run(story)
    story.submit(beat("b"))
    between = story.advance()
    assert isinstance(next(between), ShotFinished)  # "b" has left the queue and is not yet the shot
    assert story.cancel("b")
    events = [*between, *run(story)]
    assert done(events) == [("b", "cancelled", 0)]
    story.submit(beat("c"))
    assert done(run(story)) == [("c", "completed", lengths.shot(2))]


def test_a_slow_text_encoder_holds_nobody_up(tiny_model: Any) -> None:
    entered, release = threading.Event(), threading.Event()

    class SlowText:
        def encode(self, prompt: str) -> Any:
            entered.set()
            assert release.wait(30)
            return tiny_model.text.encode(prompt)

    model = replace(tiny_model, text=SlowText())
    story = StoryStream(model, EagerEngine(model.student), global_caption="", seed=1)
    refused: list[BeatRefused] = []

    def submit() -> None:
        try:
            story.submit(beat("a"))
        except BeatRefused as error:
            refused.append(error)

    sender = threading.Thread(target=submit)
    sender.start()
    assert entered.wait(30)
    stopper = threading.Thread(target=story.stop)
    stopper.start()
    stopper.join(10)  # waits for the encoder if anything is locked meanwhile
    held_up = stopper.is_alive()
    release.set()
    sender.join(30)
    assert not held_up
    assert refused
    assert run(story) == []
    assert story.closed


def test_the_reader_keeps_its_own_grad_mode(open_story: Any) -> None:
    story = open_story()
    story.submit(beat("a"))
    for _ in story.advance():
        assert not torch.is_inference_mode_enabled()


def test_stop_ends_at_the_chunk_and_closes(open_story: Any, lengths: Lengths) -> None:
    story = open_story()
    story.submit(beat("a", chunks=5))
    story.submit(beat("b"))
    events = run(story, 1)
    story.stop()
    events += run(story)
    assert done(events) == [("a", "interrupted", lengths.first_chunk), ("b", "cancelled", 0)]
    assert events[-1] == BeatDone("b", None, "cancelled", 0)
    assert story.closed
    assert story.idle
    with pytest.raises(BeatRefused, match="closed"):
        story.submit(beat("c"))


def test_a_continue_finds_the_shot_that_is_just_starting(open_story: Any) -> None:
    story = open_story()
    story.submit(beat("a"))
    events = story.advance()
    next(events)  # the first shot is scheduled, and has left the queue
    story.submit(beat("jump", mode="continue"))
    story.submit(beat("b"))
    later = [*events, *run(story)]
    assert [name for name, _, _ in scheduled(later)] == ["jump", "b"]
    # The same between two shots, where the one is over and the other not yet there.
    story.submit(beat("c"))
    between = story.advance()
    assert isinstance(next(between), ShotFinished)
    story.submit(beat("wave", mode="continue"))
    later = [*between, *run(story)]
    assert [name for name, _, _ in scheduled(later)] == ["c", "wave"]


@pytest.mark.parametrize("policy", [None, "queue", "replace", "interrupt"])
def test_a_continue_meets_a_first_cut_that_is_neither_waiting_nor_running(
    open_story: Any, tiny_model: Any, monkeypatch: pytest.MonkeyPatch, policy: Any
) -> None:
    story = open_story()
    story.submit(beat("a", chunks=2))
    open_decoder = tiny_model.video.open_decoder

    def submit_meanwhile() -> Any:
        story.submit(beat("jump", mode="continue", policy=policy, chunks=1))
        return open_decoder()

    monkeypatch.setattr(tiny_model.video, "open_decoder", submit_meanwhile)
    assert [shot for _, shot, _ in scheduled(run(story))] == [0, 0]


@pytest.mark.parametrize("policy", [None, "queue", "replace", "interrupt"])
def test_continue_without_a_shot_is_refused(open_story: Any, policy: Any) -> None:
    with pytest.raises(BeatRefused, match="send a beat with mode 'cut' first"):
        open_story().submit(beat("a", mode="continue", policy=policy))


def test_notices_come_before_anything_else(open_story: Any) -> None:
    story = open_story()
    story.submit(beat("a", "unheard of"))
    first = run(story)[0]
    assert isinstance(first, CaptionNoticed)
    assert first.beat_id == "a"


def test_beats_may_come_from_another_thread_while_it_runs(open_story: Any) -> None:
    story = open_story()
    story.submit(beat("0"))

    def send() -> None:
        for number in range(1, 6):
            story.submit(beat(str(number), chunks=1))

    sender = threading.Thread(target=send)
    sender.start()
    events = run(story)
    sender.join()
    events += run(story)
    assert [name for name, _, _ in scheduled(events)] == [str(number) for number in range(6)]


def test_memory_does_not_grow_with_the_story(open_story: Any, tiny_model: Any) -> None:
    story = open_story()
    kept = []
    context = tiny_model.student.config.max_context_frames
    for number in range(2 * context + 2):
        story.submit(beat(str(number), chunks=1))
        run(story)
        kept.append(story._history.kept_frames)
    # Of one shot: its first frame, and one for every place that equal spacing can ask for.
    places = {Fraction(j, count - 1) for count in range(2, context + 1) for j in range(count)}
    assert max(kept) <= context * len(places)
    assert kept[-1] == kept[-4]
    assert len(story._place._captions) <= context + 2
