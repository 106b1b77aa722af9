# SPDX-License-Identifier: Apache-2.0
"""When the beats of a written story go out.

A file is a sequence in time, unlike the beats of somebody who steers live. So a beat without a policy waits
for the one before it to end, also a ``continue``, which would otherwise cut that one short. A beat that says
``interrupt`` or ``replace`` goes out when the one before it shows its first frame, and acts upon it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from shotstream_bridge.story import BeatPolicy, BeatScript


class Cue(Enum):
    """What the beat before must have reached."""

    FIRST_FRAME = "first frame"
    DONE = "done"


class ScriptPacing:
    """Hands out the beats of a script, one by one, on their cues."""

    def __init__(self, beats: Sequence[BeatScript]) -> None:
        """Names the beats that have no id by their place: ``beat-1``, ``beat-2``, ..."""
        taken = {beat.id for beat in beats if beat.id is not None}
        self._beats = [
            beat.model_copy(
                update={
                    "id": beat.id or _free_id(f"beat-{place}", taken),
                    "policy": beat.policy or BeatPolicy.QUEUE,
                }
            )
            for place, beat in enumerate(beats, 1)
        ]
        self._next = 0

    @property
    def beats(self) -> Sequence[BeatScript]:
        """All beats, each with an id and a policy."""
        return self._beats

    @property
    def ended(self) -> bool:
        """Whether every beat has gone out."""
        return self._next == len(self._beats)

    def start(self) -> list[BeatScript]:
        """The beats that go out at once."""
        return self._take() if not self._next else []

    def on(self, beat_id: str, cue: Cue) -> list[BeatScript]:
        """The beats that go out now that a beat has reached a cue."""
        if not self._next or self.ended or self._beats[self._next - 1].id != beat_id:
            return []
        steers = self._beats[self._next].policy is not BeatPolicy.QUEUE
        if cue is Cue.FIRST_FRAME and not steers:
            return []
        return self._take()

    def _take(self) -> list[BeatScript]:
        beat = self._beats[self._next]
        self._next += 1
        return [beat]


def _free_id(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name)
    return name
