# SPDX-License-Identifier: Apache-2.0
"""A server that stops in order, with and without stories that go on with the next one."""

from __future__ import annotations

import time

import pytest
from raw_dealer import RawDealer
from scripted_service import PATIENCE_S, ScriptedService
from shotstream_bridge import (
    BeatScript,
    BeatStatus,
    Client,
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    ErrorCode,
    ReceivedFrame,
    RequestRejected,
    StoryClosed,
    StoryEnd,
)


class KeepingService(ScriptedService):
    """Its stories go on with the next server."""

    def keeps_stories(self) -> bool:
        return True


STOPPING = StoryClosed(story_id="s1", end=StoryEnd.SERVER_STOPPING, shots=1, frames=3, reason="stopping")
REFUSAL = RequestRejected(ErrorCode.STOPPING, "the server is stopping; try again when it is back")


def until(client: Client, kind: type[ClientEvent]) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    deadline = time.monotonic() + PATIENCE_S
    while not any(isinstance(event, kind) for event in events):
        assert time.monotonic() < deadline, events
        events += client.pump(0.05)
    return events


@pytest.mark.parametrize("kept", [True, False])
def test_who_can_come_back_is_told_to_and_nobody_else(kept: bool) -> None:
    """The one is left with open stories and unanswered requests, the other is told that they end."""
    service = KeepingService() if kept else ScriptedService()
    with service, RawDealer(service.endpoint.address) as stays_away:
        stays_away.hello()
        with Client.connect(service.endpoint.address, reconnect_s=PATIENCE_S) as client:
            story = client.open_story(global_caption="", story_id="s1")
            story.subscribe(credits=8)
            stays_away.subscribe()
            service.publish_frames("s1", 3)
            service.endpoint.publish(STOPPING)
            service.break_next = REFUSAL
            story.submit_beat(BeatScript(id="b", text="late"), wait=0)
            # Another request behind it is answered: by then the refusal was sent, or left out.
            assert client.status(wait=PATIENCE_S).stories[0].story_id == "s1"
            service.endpoint.stop()
            events = until(client, ConnectionInterrupted if kept else ConnectionLost)
        frames = [event.header.index for event in events if isinstance(event, ReceivedFrame)]
        assert frames == [0, 1, 2]
        told = {type(event) for event in events if isinstance(event, StoryClosed | BeatStatus)}
        assert told == (set() if kept else {StoryClosed, BeatStatus})
        assert stays_away.hear_type("story_closed")["end"] == "server_stopping"
        assert stays_away.hear_type("goodbye") == {"type": "goodbye", "reason": "the server is stopping"}


def test_a_client_without_the_feature_is_refused_in_words() -> None:
    with KeepingService() as service, RawDealer(service.endpoint.address) as raw:
        raw.hello()
        raw.open()
        service.break_next = REFUSAL
        raw.say(type="submit_beat", request=9, story_id="s1", beat={"id": "b", "text": "late"})
        assert raw.hear_type("beat_status")["code"] == "stopping"


def test_the_goodbye_of_stories_that_are_kept_carries_that_coming_back_helps() -> None:
    with KeepingService() as service, RawDealer(service.endpoint.address) as raw:
        raw.hello(features=["resume"])
        service.endpoint.stop()
        assert raw.hear_type("goodbye")["resume"] is True
