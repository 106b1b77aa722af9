# SPDX-License-Identifier: Apache-2.0
"""When the beats of a written story go out."""

from __future__ import annotations

from shotstream_bridge.story import BeatPolicy, BeatScript
from shotstream_runtime.host.script_pacing import Cue, ScriptPacing


def ids(beats: list[BeatScript]) -> list[str | None]:
    return [beat.id for beat in beats]


def test_beats_follow_one_another_also_a_continue() -> None:
    pacing = ScriptPacing([BeatScript(text="a"), BeatScript(text="b", mode="continue"), BeatScript(text="c")])
    assert [beat.policy for beat in pacing.beats] == [BeatPolicy.QUEUE] * 3
    assert ids(pacing.start()) == ["beat-1"]
    assert pacing.start() == []
    assert pacing.on("beat-1", Cue.FIRST_FRAME) == []
    assert ids(pacing.on("beat-1", Cue.DONE)) == ["beat-2"]
    assert pacing.on("beat-1", Cue.DONE) == []
    assert not pacing.ended
    assert ids(pacing.on("beat-2", Cue.DONE)) == ["beat-3"]
    assert pacing.ended
    assert pacing.on("beat-3", Cue.DONE) == []


def test_a_beat_that_interrupts_goes_out_at_the_first_frame_of_the_one_before() -> None:
    pacing = ScriptPacing(
        [BeatScript(text="a"), BeatScript(text="b", policy="interrupt"), BeatScript(text="c")]
    )
    pacing.start()
    assert ids(pacing.on("beat-1", Cue.FIRST_FRAME)) == ["beat-2"]
    assert pacing.on("beat-1", Cue.DONE) == []
    assert ids(pacing.on("beat-2", Cue.DONE)) == ["beat-3"]


def test_names_given_by_place_never_meet_those_of_the_file() -> None:
    pacing = ScriptPacing([BeatScript(text="a"), BeatScript(text="b", id="beat-1"), BeatScript(text="c")])
    assert [beat.id for beat in pacing.beats] == ["beat-1-2", "beat-1", "beat-3"]
