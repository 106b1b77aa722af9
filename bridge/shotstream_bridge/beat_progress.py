# SPDX-License-Identifier: Apache-2.0
"""Every stage of a beat once and in order, although some are told twice or not at all.

After a lost connection the server tells the latest stage of each beat. Those the client knows are left out,
and those that went by meanwhile are made up from what the latest one carries.
"""

from __future__ import annotations

from typing import Final

from shotstream_bridge.fields import BeatStage
from shotstream_bridge.replies import BeatStatus

STAGES: Final = (BeatStage.ACCEPTED, BeatStage.SCHEDULED, BeatStage.FIRST_FRAME, BeatStage.DONE)
"""In their order; a beat may be done after any of them."""


class BeatProgress:
    """The stages a client has been told, for all stories it knows."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, int]] = {}

    def submitted(self, story_id: str, beat_id: str) -> None:
        """This client has sent a beat: it is to hear of every stage."""
        self._told.setdefault(story_id, {}).setdefault(beat_id, -1)

    def advance(self, status: BeatStatus) -> list[BeatStatus]:
        """The stages that are new with a message, in order."""
        if status.stage is BeatStage.REJECTED:
            return [status]
        beats = self._told.setdefault(status.story_id, {})
        reached = STAGES.index(status.stage)
        told = beats.get(status.beat_id, reached - 1)
        if reached <= told:
            return []
        beats[status.beat_id] = reached
        between = [stage for stage in STAGES[told + 1 : reached] if _passed(status, stage)]
        return [*(_made_up(status, stage) for stage in between), status]

    def forget(self, story_id: str) -> None:
        """The story has ended."""
        self._told.pop(story_id, None)


def _passed(status: BeatStatus, stage: BeatStage) -> bool:
    """Whether a beat went through a stage before its latest: one that was dropped did not."""
    if stage is BeatStage.ACCEPTED:
        return True
    if status.shot is None or status.first_frame is None:
        return False
    return stage is BeatStage.SCHEDULED or bool(status.frames)


def _made_up(status: BeatStatus, stage: BeatStage) -> BeatStatus:
    scheduled = stage is not BeatStage.ACCEPTED
    return BeatStatus(
        story_id=status.story_id,
        beat_id=status.beat_id,
        stage=stage,
        shot=status.shot if scheduled else None,
        first_frame=status.first_frame if scheduled else None,
    )
