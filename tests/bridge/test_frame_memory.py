# SPDX-License-Identifier: Apache-2.0
"""Which frames are kept for clients that come back."""

from __future__ import annotations

from scripted_service import HEIGHT, WIDTH, frame
from shotstream_bridge.frame_memory import FrameMemory

SIZE = HEIGHT * WIDTH * 3


def kept(memory: FrameMemory, story_id: str = "s") -> list[int]:
    return [frame.index for frame in memory.since(story_id, 0)]


def fill(memory: FrameMemory, first: int, last: int, story_id: str = "s") -> None:
    for index in range(first, last + 1):
        memory.keep(frame(story_id, index))


def test_the_newest_are_kept_within_the_budget() -> None:
    memory = FrameMemory(5 * SIZE, lambda _: None)
    fill(memory, 0, 11)
    assert kept(memory) == [7, 8, 9, 10, 11]
    assert (memory.first("s"), memory.next_index("s")) == (7, 12)
    assert [f.index for f in memory.since("s", 10)] == [10, 11]


def test_the_story_that_takes_most_gives_way() -> None:
    memory = FrameMemory(6 * SIZE, lambda _: None)
    fill(memory, 0, 4, "long")
    fill(memory, 0, 2, "short")
    assert kept(memory, "long") == [2, 3, 4]
    assert kept(memory, "short") == [0, 1, 2]


def test_what_a_watcher_has_not_confirmed_is_kept_over_the_budget() -> None:
    pins: dict[str, int | None] = {"s": 2}
    memory = FrameMemory(3 * SIZE, pins.get)
    fill(memory, 0, 9)
    assert kept(memory) == list(range(2, 10))
    pins["s"] = None
    fill(memory, 10, 10)
    assert kept(memory) == [8, 9, 10]


def test_a_pinned_story_does_not_protect_another() -> None:
    pins: dict[str, int | None] = {"pinned": 0}
    memory = FrameMemory(4 * SIZE, pins.get)
    fill(memory, 0, 5, "pinned")
    fill(memory, 0, 3, "free")
    assert kept(memory, "pinned") == list(range(6))
    assert kept(memory, "free") == [3], "the newest stays, so that the next number is known"


def test_a_story_that_starts_over_or_ends_is_forgotten() -> None:
    memory = FrameMemory(100 * SIZE, lambda _: None)
    fill(memory, 0, 5)
    fill(memory, 0, 1)
    assert kept(memory) == [0, 1]
    memory.forget("s")
    memory.forget("s")
    assert (memory.first("s"), memory.next_index("s")) == (None, 0)
    fill(memory, 3, 3)
    assert kept(memory) == [3]


def test_no_budget_keeps_the_number_and_nothing_else() -> None:
    memory = FrameMemory(0, lambda _: None)
    fill(memory, 0, 5)
    assert kept(memory) == [5]
