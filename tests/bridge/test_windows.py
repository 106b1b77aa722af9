# SPDX-License-Identifier: Apache-2.0
"""Credits of a client's subscription, before and after a lost connection."""

from __future__ import annotations

from shotstream_bridge import PixelFormat, WatchMode
from shotstream_bridge.requests import Subscribe
from shotstream_bridge.windows import Window


def window(credits: int, *, automatic: bool = True, mode: WatchMode = WatchMode.EVERY) -> Window:
    asked = Subscribe(
        request=1,
        subscription=0,
        story_id="s",
        mode=mode,
        credits=credits,
        format=PixelFormat.RGB8,
    )
    return Window(asked, automatic, left=credits)


def test_a_subscription_goes_on_at_the_next_frame_with_all_its_credits() -> None:
    w = window(4)
    for index in range(3):
        w.received(index)
        w.consumed()
    again = w.again(9)
    assert (again.request, again.subscription, again.credits, again.from_frame) == (9, 0, 4, 3)
    assert (again.mode, again.format, again.checksum) == (w.asked.mode, w.asked.format, w.asked.checksum)


def test_frames_that_wait_for_the_application_keep_their_credits() -> None:
    w = window(4)
    for index in range(3):
        w.received(index)
    assert w.again(9).credits == 1
    # In flight at most: the three that wait and one more.
    assert [w.consumed() for _ in range(4)] == [0, 2, 0, 2]


def test_a_window_without_room_borrows_one_credit_and_pays_it_back() -> None:
    w = window(2)
    w.received(0)
    w.received(1)
    assert w.again(9).credits == 1
    w.received(2)
    assert [w.consumed() for _ in range(3)] == [0, 1, 1]
    assert (w.left, w.held) == (2, 0)


def test_credits_by_hand_are_what_the_application_has_left() -> None:
    w = window(5, automatic=False)
    for index in range(3):
        w.received(index)
        assert w.consumed() == 0
    assert w.again(9).credits == 2
    w.received(3)
    w.received(4)
    assert w.again(10).credits == 1
    assert w.granted(3) == 2, "one was given in advance"


def test_a_live_subscription_does_not_ask_for_a_frame() -> None:
    w = window(4, mode=WatchMode.LATEST)
    w.received(10)
    assert w.again(9).from_frame is None
