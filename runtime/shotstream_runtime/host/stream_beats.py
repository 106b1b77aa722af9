# SPDX-License-Identifier: Apache-2.0
"""Between the protocol's words and the stream's: beats on their way in, notices on their way out."""

from __future__ import annotations

import re
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


def notice_code(code: str) -> str:
    """A text encoder's notice code in the form that the protocol and manifests have: ``outside_world``."""
    plain = re.sub(r"[^a-z0-9]+", "_", code.lower()).strip("_")[:64]
    return plain if plain[:1].isalpha() else "caption"
