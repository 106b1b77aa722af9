# SPDX-License-Identifier: Apache-2.0
"""Credits, without sockets: what is promised holds for any order of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_service import frame
from shotstream_bridge import BacklogOverflowError, ErrorCode, RequestRejected, WatchMode
from shotstream_bridge.flow import OVERRUN_FRAMES, EveryFlow, LatestFlow, open_flow
from shotstream_bridge.payload import SharedPayloads


def offered(index: int) -> SharedPayloads:
    return SharedPayloads(frame("s", index))


steps = st.lists(st.sampled_from(["offer", "take", "grant"]), max_size=120)


@given(steps, st.integers(1, 5))
def test_every_loses_nothing_and_never_exceeds_its_credits(script: list[str], credits: int) -> None:
    flow = EveryFlow(credits, 1_000, capacity=8)
    made, taken, granted = 0, [], credits
    for step in script:
        if step == "offer":
            flow.offer(offered(made))
            made += 1
        elif step == "grant":
            flow.grant(2)
            granted += 2
        elif (got := flow.take()) is not None:
            assert got[1] == 0
            taken.append(got[0].frame.index)
        assert flow.waiting == made - len(taken)
        assert flow.ready == (flow.waiting > 0 and len(taken) < granted)
    assert taken == list(range(len(taken)))
    assert len(taken) <= granted


@given(steps, st.integers(1, 5))
def test_latest_accounts_for_every_frame(script: list[str], credits: int) -> None:
    flow = LatestFlow(credits, 1_000)
    made, taken, skipped, granted = 0, [], 0, credits
    for step in script:
        if step == "offer":
            flow.offer(offered(made))
            made += 1
        elif step == "grant":
            flow.grant(2)
            granted += 2
        elif (got := flow.take()) is not None:
            taken.append(got[0].frame.index)
            skipped += got[1]
            assert got[0].frame.index == made - 1, "not the newest"
            assert made == len(taken) + skipped, "a frame is neither taken nor counted"
        assert flow.wants_frames
        assert flow.waiting <= 1
    assert len(taken) <= granted


def test_every_asks_to_wait_when_full_and_resumes_at_half() -> None:
    flow = EveryFlow(100, 100, capacity=8)
    wants = []
    for index in range(8):
        wants.append(flow.wants_frames)
        flow.offer(offered(index))
    assert all(wants)
    assert not flow.wants_frames
    for _ in range(3):
        flow.take()
    assert flow.waiting == 5
    assert not flow.wants_frames
    flow.take()
    assert flow.wants_frames


def test_every_refuses_to_grow_without_end() -> None:
    flow = EveryFlow(1, 1, capacity=2)
    for index in range(2 + OVERRUN_FRAMES):
        flow.check_room()
        flow.offer(offered(index))
    with pytest.raises(BacklogOverflowError, match="258 frames wait"):
        flow.check_room()


@pytest.mark.parametrize("mode", list(WatchMode))
def test_credits_beyond_the_limit_are_refused_and_change_nothing(mode: WatchMode) -> None:
    flow = open_flow(mode, 3, credit_limit=4, capacity=8)
    with pytest.raises(RequestRejected) as caught:
        flow.grant(2)
    assert caught.value.code is ErrorCode.TOO_MANY_CREDITS
    assert caught.value.field == "credits"
    flow.grant(1)
    sent = 0
    for index in range(9):
        flow.offer(offered(index))
        sent += flow.take() is not None
    assert sent == 4


def test_a_subscription_with_too_many_credits_is_refused() -> None:
    with pytest.raises(RequestRejected, match="at most 4"):
        open_flow(WatchMode.LATEST, 5, credit_limit=4, capacity=8)
