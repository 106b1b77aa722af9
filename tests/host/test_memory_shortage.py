# SPDX-License-Identifier: Apache-2.0
"""Memory that runs out in the middle of a story: real allocations fail, and another story goes on."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from listener import beat, open_watched
from shotstream_bridge.messages import StoryEnd
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.host.memory_shortage import is_out_of_memory
from shotstream_runtime.host.model_facts import ModelFacts
from shotstream_runtime.host.serving import Server
from shotstream_runtime.host.story_preparer import StoryStream as HostedStream
from shotstream_runtime.journal.catalogue import list_stories
from shotstream_runtime.journal.journal import Journal
from shotstream_runtime.journal.story_reader import StoryReader
from tiny_model_folder import CHUNK, FIRST_CHUNK
from wrapped_engine import WrappedEngine

PASSES = ("prefill", "denoise", "refresh", "prepare_caption")


def too_much(*_: Any, **__: Any) -> Any:
    """Asks for 64 TiB, of which there are none."""
    return torch.empty(1 << 46, dtype=torch.uint8)


class HungryEngine(WrappedEngine):
    """The real engine; when it is armed, one pass of the kind named asks for more memory than there is.

    Attributes:
        spared: Sessions from this number on have their passes in peace.
    """

    name = "hungry"

    def __init__(self, student: Any, kind: str) -> None:
        super().__init__(student)
        self.kind = kind
        self.armed = threading.Event()
        self.opened = 0
        self.spared = 1 << 30

    def _may_fail(self, whole: Callable[..., Any], number: int = 0) -> Callable[..., Any]:
        def passing(*args: Any, **kwargs: Any) -> Any:
            if self.armed.is_set() and number < self.spared:
                self.armed.clear()
                too_much()
            return whole(*args, **kwargs)

        return passing

    def open_session(self, height: int, width: int, batch: int = 1) -> Any:
        if self.kind == "open_session":
            return self._may_fail(self.inner.open_session)(height, width, batch)
        session = self.inner.open_session(height, width, batch)
        setattr(session, self.kind, self._may_fail(getattr(session, self.kind), self.opened))
        self.opened += 1
        return session


@pytest.mark.parametrize("kind", PASSES)
def test_a_chunk_for_which_memory_runs_out_costs_its_beat_and_nothing_else(
    serve: Any, connect: Any, tiny_loaded: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    engine = HungryEngine(tiny_loaded.student, kind)
    held: list[int] = []
    give_up = HostedStream.give_up_chunk

    def give_up_and_weigh(stream: Any) -> Any:
        yield from give_up(stream)
        held.append(stream.held.device)

    monkeypatch.setattr(HostedStream, "give_up_chunk", give_up_and_weigh)
    server = serve(engine=engine)
    one, two = connect(server), connect(server)
    story = open_watched(one, "hungry")
    story.submit_beat(beat("a", "the fox walks", chunks=40))
    one.until(lambda: len(one.frames()) > FIRST_CHUNK)
    engine.spared = engine.opened
    engine.armed.set()
    # Another caption or another shot makes every kind of pass happen.
    story.submit_beat(beat("b", "the fox jumps", policy="interrupt", chunks=3))
    story.submit_beat(beat("c", "the fox sleeps", chunks=2))
    # Beside it, another story, which the shortage does not touch.
    other = open_watched(two, "other")
    other.submit_beat(beat("a", chunks=4))
    one.until(lambda: one.done("c"))
    two.until(lambda: two.done("a"))
    assert two.done("a").outcome == "completed"
    assert held == [0], "the story's caches were given back"
    failed = [name for name in "abc" if one.done(name).outcome == "failed"]
    assert failed
    for name in failed:
        status = one.done(name)
        assert (status.code, status.retryable) == ("out_of_memory", True)
        assert "send it again" in status.reason
    assert one.done("c").outcome == ("failed" if failed == ["c"] else "completed")
    # Sent again it is played, in the story that went on.
    story.submit_beat(beat("again", "the fox jumps", chunks=2))
    story.close()
    one.until(one.closed)
    assert one.done("again").outcome == "completed"
    assert one.closed().end is StoryEnd.DRAINED
    indices = [frame.header.index for frame in one.frames()]
    assert indices == list(range(one.closed().frames))
    assert sum(one.done(name).frames for name in ("a", "b", "c", "again")) == len(indices)


def test_frames_that_were_begun_are_told_to_their_end(
    serve: Any, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoder runs out of memory between two latents of a chunk, when frames of it have left already."""
    decode = VideoCodec.decode_one
    calls = 0

    def decode_or_fail(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:  # the second latent of the second chunk
            too_much()
        return decode(self, *args, **kwargs)

    server = serve()
    one = connect(server)
    monkeypatch.setattr(VideoCodec, "decode_one", decode_or_fail)
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=5))
    one.until(lambda: one.done("a"))
    assert (one.done("a").outcome, one.done("a").frames) == ("failed", FIRST_CHUNK + CHUNK)
    monkeypatch.setattr(VideoCodec, "decode_one", decode)
    # They are the frames of an undisturbed story.
    undisturbed = connect(server)
    open_watched(undisturbed, "undisturbed").submit_beat(beat("a", chunks=5))
    undisturbed.until(lambda: undisturbed.done("a"))
    one.until(lambda: len(one.frames()) == FIRST_CHUNK + CHUNK)
    undisturbed.until(lambda: len(undisturbed.frames()) == FIRST_CHUNK + 4 * CHUNK)
    assert np.array_equal(one.pixels(), undisturbed.pixels()[: FIRST_CHUNK + CHUNK])
    # A shot that was ended is not continued; a cut goes on with the story.
    story.submit_beat(beat("b", mode="continue", chunks=1))
    story.submit_beat(beat("c", chunks=1))
    one.until(lambda: one.done("c"))
    assert (one.done("b").outcome, one.done("b").code) == ("failed", "no_shot_to_continue")
    assert one.done("c").outcome == "completed"


def test_beats_that_would_continue_the_shot_end_with_it(serve: Any, connect: Any, tiny_loaded: Any) -> None:
    engine = HungryEngine(tiny_loaded.student, "denoise")
    one = connect(serve(engine=engine))
    story = open_watched(one)
    story.submit_beat(beat("a", chunks=20))
    for name in ("b", "c"):
        story.submit_beat(beat(name, mode="continue", policy="queue", chunks=1))
    story.submit_beat(beat("d", chunks=1))
    one.until(one.frames)
    engine.armed.set()
    one.until(lambda: one.done("d"))
    assert [one.done(name).outcome for name in "abcd"] == ["failed", "failed", "failed", "completed"]
    assert [one.done(name).frames for name in "bc"] == [0, 0]


@pytest.mark.parametrize("frames", [FIRST_CHUNK, FIRST_CHUNK + 3 * CHUNK])
def test_a_shortage_is_kept_in_the_journal_and_the_story_goes_on_from_there(
    tiny_loaded: Any, connect: Any, tmp_path: Path, frames: int
) -> None:
    """Stopped and started again after a shortage, the frames are those that the clients were shown."""
    engine = HungryEngine(tiny_loaded.student, "denoise")

    def start() -> Server:
        server = Server(ModelFacts.of(tiny_loaded), "tcp://127.0.0.1:0")
        server.__enter__()
        server.begin(tiny_loaded, engine, Journal(tmp_path / "journal"))
        assert server.host.wait_ready(30)
        return server

    server = start()
    try:
        one = connect(server, "director")
        story = open_watched(one, "hungry")
        story.submit_beat(beat("a", chunks=2))
        story.submit_beat(beat("b", chunks=30))
        one.until(lambda: len(one.frames()) >= frames)
        engine.armed.set()
        story.submit_beat(beat("c", chunks=3))
        story.submit_beat(beat("d", chunks=30))
        one.until(lambda: one.done("c"))
        one.until(lambda: len(one.frames()) > sum(one.done(name).frames for name in "abc"))
    finally:
        server.stop()
    one.until(one.interrupted)
    shown = one.pixels()
    outcomes = [one.done(name).outcome for name in "abc"]
    assert outcomes.count("failed") == 1
    server = start()
    try:
        again = connect(server, "director")
        story = again.client.open_story(
            global_caption="A fox in a red coat in the forest.", seed=7, story_id="hungry"
        )
        story.submit_beat(beat("e", policy="interrupt", chunks=1))
        story.close()
        again.until(again.closed)
        assert again.closed().end is StoryEnd.DRAINED
    finally:
        server.stop()
    (listing,) = list_stories(tmp_path / "journal")
    kept = [frame.pixels for frame in StoryReader(listing.path).frames(listing.story)]
    assert len(kept) == again.closed().frames > len(shown)
    assert np.array_equal(np.stack(kept[: len(shown)]), shown)


def test_what_counts_as_a_shortage() -> None:
    with pytest.raises(RuntimeError) as failure:
        too_much()
    assert is_out_of_memory(failure.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"))
    assert not is_out_of_memory(RuntimeError("a kernel failed"))
    assert not is_out_of_memory(OSError(errno.ENOSPC, "No space left on device"))
