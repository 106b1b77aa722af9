# SPDX-License-Identifier: Apache-2.0
"""Collects what a client hears, so that a test can wait for it and look at all of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shotstream_bridge.client import Client
from shotstream_bridge.events import ClientEvent, ConnectionInterrupted
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import BeatStage, BeatStatus, StoryClosed
from shotstream_bridge.story import BeatScript

PATIENCE_S = 40.0
CAPTION = "A fox in a red coat in the forest."


class Listener:
    """A client and everything it has heard."""

    def __init__(self, address: str, client_id: str | None = None) -> None:
        self.client = Client.connect(address, client_id=client_id)
        self.heard: list[ClientEvent] = []

    def until(self, reached: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Pumps until a condition holds; fails when that takes too long."""
        deadline = time.monotonic() + patience_s
        while not reached():
            assert time.monotonic() < deadline, f"waited in vain; heard {self.heard[-8:]}"
            self.heard.extend(self.client.pump(0.05))

    def for_s(self, seconds: float) -> None:
        """Pumps for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.heard.extend(self.client.pump(left))

    def frames(self, story_id: str | None = None) -> list[ReceivedFrame]:
        """Frames so far, in the order of arrival."""
        return [
            event
            for event in self.heard
            if isinstance(event, ReceivedFrame) and story_id in (None, event.header.story_id)
        ]

    def pixels(self, story_id: str | None = None) -> NDArray[np.uint8]:
        """``[frames, H, W, 3]``."""
        return np.stack([frame.rgb() for frame in self.frames(story_id)])

    def statuses(self, beat_id: str, story_id: str | None = None) -> list[BeatStatus]:
        """What was said about a beat."""
        return [
            event
            for event in self.heard
            if isinstance(event, BeatStatus)
            and event.beat_id == beat_id
            and story_id in (None, event.story_id)
        ]

    def stages(self, beat_id: str, story_id: str | None = None) -> list[str]:
        """The stages that a beat went through."""
        return [status.stage.value for status in self.statuses(beat_id, story_id)]

    def done(self, beat_id: str, story_id: str | None = None) -> BeatStatus | None:
        """The last word about a beat."""
        return next((s for s in self.statuses(beat_id, story_id) if s.stage is BeatStage.DONE), None)

    def interrupted(self) -> bool:
        """Whether its connection was lost, and it tries to restore it."""
        return any(isinstance(event, ConnectionInterrupted) for event in self.heard)

    def closed(self, story_id: str | None = None) -> StoryClosed | None:
        """The end of a story."""
        return next(
            (
                event
                for event in self.heard
                if isinstance(event, StoryClosed) and story_id in (None, event.story_id)
            ),
            None,
        )


def beat(name: str, text: str = "the fox walks", **values: Any) -> BeatScript:
    """A cut unless `values` say otherwise."""
    return BeatScript(id=name, text=text, **values)


def open_watched(listener: Listener, name: str = "story", seed: int = 7, **watch: Any) -> Any:
    """Opens a story and subscribes to its frames; returns its handle."""
    story = listener.client.open_story(global_caption=CAPTION, seed=seed, story_id=name)
    story.subscribe(**watch)
    return story
