# SPDX-License-Identifier: Apache-2.0
"""Steers a running story from events, as a game would. Start `shotstream serve` first.

python examples/steer.py [tcp://127.0.0.1:5555]
"""

from __future__ import annotations

import sys

from shotstream_bridge import BeatScript, Client, ReceivedFrame, StoryClosed

address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
with Client.connect(address) as client:
    client.wait_until_ready(timeout=60)
    story = client.open_story(global_caption="A bear in a green coat and a red hat in the meadow.", seed=3)
    story.subscribe("every")
    story.submit_beat("Medium shot: the bear stands.")
    for event in client.events(idle_timeout=30):
        if isinstance(event, ReceivedFrame):
            picture = event.rgb()  # uint8 [height, width, 3]
            if event.header.index == 20:  # something happened in the game: redirect the running shot
                story.submit_beat(BeatScript(text="The bear waves.", mode="continue"))
            if event.header.index == 60:  # and a new shot, at the next chunk
                story.submit_beat(
                    BeatScript(text="Wide shot: the bear walks at the beach.", policy="interrupt")
                )
                story.close(drain=True)
        elif isinstance(event, StoryClosed):
            print(f"{picture.shape[1]}x{picture.shape[0]}: the last frame has arrived")
            break
        else:
            print(event)
