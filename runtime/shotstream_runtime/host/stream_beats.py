# SPDX-License-Identifier: Apache-2.0
"""From the protocol's beats to the stream's, and back."""

from __future__ import annotations

from typing import Final

from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript

from shotstream_runtime.streaming import beats

_MODES: Final[dict[BeatMode, beats.BeatMode]] = {BeatMode.CUT: "cut", BeatMode.CONTINUE: "continue"}
_POLICIES: Final[dict[BeatPolicy | None, beats.BeatPolicy | None]] = {
    None: None,
    BeatPolicy.QUEUE: "queue",
    BeatPolicy.REPLACE: "replace",
    BeatPolicy.INTERRUPT: "interrupt",
}


def stream_beat(script: BeatScript, beat_id: str) -> beats.Beat:
    """The stream's form of a beat; `beat_id` stands in for an id that a file need not give."""
    return beats.Beat(
        id=beat_id,
        text=script.text,
        mode=_MODES[script.mode],
        policy=_POLICIES[script.policy],
        chunks=script.chunks,
    )


def beat_script(beat: beats.Beat) -> BeatScript:
    """The protocol's form of a stream's beat."""
    return BeatScript(
        id=beat.id,
        text=beat.text,
        mode=BeatMode(beat.mode),
        policy=None if beat.policy is None else BeatPolicy(beat.policy),
        chunks=beat.chunks,
    )
