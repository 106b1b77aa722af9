# SPDX-License-Identifier: Apache-2.0
"""Steers a running story from events, as a game would. Start `shotstream serve` first.

python examples/steer.py [tcp://127.0.0.1:5555]
"""

from __future__ import annotations

import sys

import numpy as np
from shotstream_bridge import (
    BeatScript,
    BeatStage,
    BeatStatus,
    BridgeError,
    Client,
    ClientEvent,
    ConnectionLost,
    Notice,
    ReceivedFrame,
    ServerState,
    StoryClosed,
)

REDIRECT_AT, CUT_AT = 20, 60  # frames at which something happens in the game


def told(event: ClientEvent) -> str | None:
    """What the server says, in words; None for what a player need not see."""
    line = None
    match event:
        case BeatStatus(stage=BeatStage.SCHEDULED):
            line = f"{event.beat_id}: begins with frame {event.first_frame}, in shot {event.shot}"
        case BeatStatus(stage=BeatStage.DONE):
            line = f"{event.beat_id}: {event.outcome} after {event.frames} frames"
        case BeatStatus(stage=BeatStage.REJECTED):
            line = f"{event.beat_id}: rejected, {event.reason}"
        case BeatStatus():
            line = f"{event.beat_id}: {event.stage.value.replace('_', ' ')}"
        case Notice():
            line = f"note: {event.text}"
        case ServerState():
            line = f"the server is {event.state.value}"
        case StoryClosed():
            line = f"the story is over: {event.shots} shots, {event.frames} frames"
        case ConnectionLost():
            line = f"the connection is lost: {event.reason}"
    return line


def show(picture: np.ndarray) -> None:
    """Where a game would put the picture, uint8 ``[height, width, 3]``, on a texture."""


def main() -> None:
    """Plays a short story whose beats depend on the frames that have come."""
    address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
    with Client.connect(address) as client:
        client.wait_until_ready(timeout=60)
        story = client.open_story(global_caption="A bear in a green coat and a red hat.", seed=3)
        story.subscribe("every")
        story.submit_beat(BeatScript(id="start", text="Medium shot: the bear stands in the meadow."))
        for event in client.events(idle_timeout=30):
            if isinstance(event, ReceivedFrame):
                show(event.rgb())
                if event.header.index == REDIRECT_AT:  # redirect the running shot
                    beat = BeatScript(id="walk", text="The bear walks in the meadow.", mode="continue")
                    story.submit_beat(beat)
                if event.header.index == CUT_AT:  # and a new shot, at the next chunk
                    text = "Wide shot: the bear walks at the beach."
                    story.submit_beat(BeatScript(id="beach", text=text, policy="interrupt"))
                    story.close(drain=True)
            elif (line := told(event)) is not None:
                print(line)
            if isinstance(event, StoryClosed):
                break


if __name__ == "__main__":
    try:
        main()
    except BridgeError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)  # the story goes on at the server until it notices that nobody is there
