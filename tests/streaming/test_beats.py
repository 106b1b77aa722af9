# SPDX-License-Identifier: Apache-2.0
"""The order in which beats take effect."""

from __future__ import annotations

from typing import Any

import pytest
from shotstream_runtime.streaming.beats import Beat, BeatQueue, BeatRefused


def beat(name: str, **values: Any) -> Beat:
    return Beat(id=name, text=f"text of {name}", **values)


def drain(queue: BeatQueue) -> list[str]:
    order = []
    while (waiting := queue.pop()) is not None:
        order.append(waiting.id)
    return order


def test_queue_keeps_the_order_of_arrival() -> None:
    queue = BeatQueue()
    for name in "abc":
        assert queue.push(beat(name)) == []
    assert drain(queue) == ["a", "b", "c"]


@pytest.mark.parametrize("policy", ["replace", "interrupt"])
def test_replace_and_interrupt_drop_what_waits(policy: Any) -> None:
    queue = BeatQueue()
    queue.push(beat("a"))
    queue.push(beat("b"))
    assert [dropped.id for dropped in queue.push(beat("c", policy=policy))] == ["a", "b"]
    assert drain(queue) == ["c"]


def test_a_redirection_goes_before_waiting_cuts_and_behind_earlier_redirections() -> None:
    queue = BeatQueue()
    queue.push(beat("shot"))
    assert queue.pop() == beat("shot")
    queue.push(beat("next shot"))
    queue.push(beat("jump", mode="continue"))
    assert queue.push(beat("wave", mode="continue")) == []
    assert drain(queue) == ["jump", "wave", "next shot"]


def test_a_redirection_before_anything_has_begun_belongs_to_the_first_cut() -> None:
    queue = BeatQueue()
    for name in ("shot", "next shot"):
        queue.push(beat(name))
    for name in ("jump", "wave"):
        assert queue.push(beat(name, mode="continue")) == []
    assert drain(queue) == ["shot", "jump", "wave", "next shot"]


@pytest.mark.parametrize("begun", [True, False])
def test_a_redirection_goes_before_continues_that_wait_their_turn(begun: bool) -> None:
    queue = BeatQueue()
    queue.push(beat("shot"))
    if begun:
        queue.pop()
    queue.push(beat("then", mode="continue", policy="queue"))
    queue.push(beat("next shot"))
    for name in ("jump", "wave"):
        assert queue.push(beat(name, mode="continue")) == []
    assert drain(queue)[not begun :] == ["jump", "wave", "then", "next shot"]


def test_a_queued_continue_waits_its_turn() -> None:
    queue = BeatQueue()
    queue.push(beat("shot"))
    queue.push(beat("then", mode="continue", policy="queue"))
    assert drain(queue) == ["shot", "then"]


@pytest.mark.parametrize(
    ("values", "takes_over"),
    [
        ({}, False),
        ({"policy": "replace"}, False),
        ({"policy": "interrupt"}, True),
        ({"mode": "continue"}, True),
        ({"mode": "continue", "policy": "queue"}, False),
    ],
)
def test_who_ends_the_running_beat(values: dict[str, Any], takes_over: bool) -> None:
    assert beat("a", **values).takes_over is takes_over


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"text": "  "}, "text", "empty"),
        ({"mode": "fade"}, "mode", "'fade' is unknown; use 'cut' or 'continue'"),
        ({"policy": "now"}, "policy", "'now' is unknown"),
        ({"chunks": 0}, "chunks", "0 is too small"),
    ],
)
def test_bad_values_name_field_value_and_fix(values: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BeatRefused) as refused:
        Beat(**{"id": "a", "text": "b", **values})
    assert refused.value.field == field
    assert says in refused.value.reason


def test_remove_and_clear() -> None:
    queue = BeatQueue()
    for name in "abc":
        queue.push(beat(name))
    removed = queue.remove("b")
    assert removed is not None
    assert removed.id == "b"
    assert queue.remove("b") is None
    assert queue.cuts() == 2
    assert [waiting.id for waiting in queue.clear()] == ["a", "c"]
    assert len(queue) == 0
