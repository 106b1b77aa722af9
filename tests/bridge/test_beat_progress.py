# SPDX-License-Identifier: Apache-2.0
"""Stages told twice or not at all become each stage once."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotstream_bridge import BeatOutcome, BeatStage, BeatStatus
from shotstream_bridge.beat_progress import BeatProgress

ACCEPTED, SCHEDULED, FIRST, DONE, REJECTED = (
    BeatStage.ACCEPTED,
    BeatStage.SCHEDULED,
    BeatStage.FIRST_FRAME,
    BeatStage.DONE,
    BeatStage.REJECTED,
)


def status(stage: BeatStage, *, frames: int = 12, shot: int | None = 0) -> BeatStatus:
    fields: dict[str, Any] = {"story_id": "s", "beat_id": "b", "stage": stage}
    if stage in (SCHEDULED, FIRST, DONE):
        fields |= {"shot": shot, "first_frame": None if shot is None else 30}
    if stage is DONE:
        fields |= {"outcome": BeatOutcome.COMPLETED, "frames": frames}
    if stage is REJECTED:
        fields |= {"code": "busy", "reason": "no", "retryable": True}
    return BeatStatus(**fields)


def told(progress: BeatProgress, *statuses: BeatStatus) -> list[BeatStage]:
    return [told.stage for status in statuses for told in progress.advance(status)]


def test_repetitions_are_left_out() -> None:
    progress = BeatProgress()
    assert told(progress, *map(status, (ACCEPTED, SCHEDULED, SCHEDULED, ACCEPTED))) == [ACCEPTED, SCHEDULED]


@pytest.mark.parametrize("known", [[], [ACCEPTED], [ACCEPTED, SCHEDULED]])
def test_stages_that_went_by_are_made_up_for_who_sent_the_beat(known: list[BeatStage]) -> None:
    progress = BeatProgress()
    progress.submitted("s", "b")
    assert told(progress, *map(status, known), status(DONE)) == [ACCEPTED, SCHEDULED, FIRST, DONE]


def test_made_up_stages_say_where_the_beat_is() -> None:
    progress = BeatProgress()
    progress.submitted("s", "b")
    accepted, scheduled, first, _ = progress.advance(status(DONE))
    assert (accepted.shot, accepted.first_frame) == (None, None)
    assert (scheduled.shot, scheduled.first_frame) == (first.shot, first.first_frame) == (0, 30)


def test_stages_a_beat_never_had_are_not_made_up() -> None:
    superseded, cut_short = BeatProgress(), BeatProgress()
    superseded.submitted("s", "b")
    assert told(superseded, status(DONE, frames=0, shot=None)) == [ACCEPTED, DONE]
    cut_short.submitted("s", "b")
    assert told(cut_short, status(DONE, frames=0)) == [ACCEPTED, SCHEDULED, DONE]


def test_another_clients_beat_is_told_as_it_stands() -> None:
    progress = BeatProgress()
    assert told(progress, status(FIRST), status(DONE)) == [FIRST, DONE]


def test_a_refusal_is_always_told_and_a_new_story_starts_over() -> None:
    progress = BeatProgress()
    assert told(progress, status(REJECTED), status(REJECTED)) == [REJECTED, REJECTED]
    assert told(progress, status(ACCEPTED)) == [ACCEPTED]
    progress.forget("s")
    assert told(progress, status(ACCEPTED)) == [ACCEPTED]


def documented_steps() -> set[tuple[str, str]]:
    """From stage to stage, of the document's table; a beat begins as ``submit_beat``."""
    document = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    table = document[document.index("| stage | follows | carries |") :].split("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.M)
    assert [stage for stage, _ in rows] == [ACCEPTED, REJECTED, SCHEDULED, FIRST, DONE]
    return {(before, stage) for stage, follows in rows for before in re.findall(r"`(\w+)`", follows)}


@given(st.lists(st.sampled_from([ACCEPTED, SCHEDULED, FIRST, DONE]), max_size=8), st.sampled_from([0, 12]))
def test_whatever_is_told_a_client_sees_the_documents_steps_and_no_others(
    stages: list[BeatStage], frames: int
) -> None:
    progress = BeatProgress()
    progress.submitted("s", "b")
    seen = ["submit_beat", *told(progress, *(status(stage, frames=frames) for stage in stages))]
    assert set(pairwise(seen)) <= documented_steps()


def test_every_step_of_the_document_is_taken() -> None:
    taken = {("submit_beat", "rejected")}
    for stages in ([ACCEPTED, SCHEDULED, FIRST, DONE], [ACCEPTED, SCHEDULED, DONE], [ACCEPTED, DONE]):
        progress = BeatProgress()
        progress.submitted("s", "b")
        shot = 0 if SCHEDULED in stages else None
        seen = ["submit_beat"]
        seen += told(progress, *(status(stage, frames=12 * (FIRST in stages), shot=shot) for stage in stages))
        taken |= set(pairwise(seen))
    assert taken == documented_steps()
