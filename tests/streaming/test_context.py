# SPDX-License-Identifier: Apache-2.0
"""Context selection against the recorded cases, and the bound on what a history must keep."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotstream_runtime.streaming.context import select_context, selectable_frames


@pytest.mark.golden
def test_recorded_cases(golden_json: Any) -> None:
    recorded = golden_json("context_selection")
    frames = recorded["max_context_frames"]
    assert recorded["cases"]
    for case in recorded["cases"]:
        lengths = case["history_shot_lengths"]
        selection = select_context(lengths, frames)
        assert list(selection.shot_flags) == case["per_frame_shot_flag"], lengths
        assert selection.new_shot_flag == case["new_shot_flag"], lengths
        if case["selected_frames"] is None:
            assert selection.picks == ()
            continue
        offsets = [sum(lengths[:shot]) for shot in range(len(lengths))]
        absolute = [offsets[pick.shot] + pick.frame for pick in selection.picks]
        assert absolute == case["selected_frames"], lengths


lengths_strategy = st.lists(st.integers(1, 100), min_size=1, max_size=12)


@given(lengths_strategy)
def test_every_pick_lies_in_what_the_history_keeps(lengths: list[int]) -> None:
    for pick in select_context(lengths).picks:
        kept = selectable_frames(sum(lengths[: pick.shot]), lengths[pick.shot])
        assert pick.frame in kept
        assert len(kept) <= 13


def test_an_empty_shot_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shot_lengths=\[3, 0\]"):
        select_context([3, 0])
