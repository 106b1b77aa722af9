# SPDX-License-Identifier: Apache-2.0
"""What can be asked about a story, for the handles of every kind of client: all but the waiting."""

from __future__ import annotations

import uuid
from typing import Final

from shotstream_bridge.client_core import ClientCore
from shotstream_bridge.fields import PixelFormat, WatchMode
from shotstream_bridge.replies import StoryOpened
from shotstream_bridge.story import BeatScript

DEFAULT_CREDITS: Final = 16
DEFAULT_WAIT_S: Final = 5.0


def new_story_id() -> str:
    """A name for a story that nobody can guess."""
    return f"story-{uuid.uuid4().hex[:16]}"


class StoryRequests:
    """Makes the requests about one story.

    Attributes:
        story_id: The story.
        opened: What the server answered, if it was waited for.
    """

    def __init__(self, core: ClientCore, story_id: str, opened: StoryOpened | None = None) -> None:
        self._core = core
        self.story_id = story_id
        self.opened = opened

    def _submit(self, beat: BeatScript | str) -> tuple[int, str]:
        """Sends a beat; returns the request's number and the beat's identifier."""
        script = BeatScript(text=beat) if isinstance(beat, str) else beat
        name = script.id or f"beat-{uuid.uuid4().hex[:12]}"
        return self._core.submit_beat(self.story_id, script.model_copy(update={"id": name})), name

    def _watch(
        self,
        mode: WatchMode | str,
        credits: int,
        pixel_format: PixelFormat | str,
        quality: int | None,
        checksum: bool,
        auto_grant: bool,
        from_frame: int | None,
        memory: bool,
    ) -> tuple[int, int]:
        """Subscribes; returns the request's number and the subscription's."""
        return self._core.subscribe(
            self.story_id,
            WatchMode(mode),
            credits=credits,
            pixel_format=PixelFormat(pixel_format),
            quality=quality,
            checksum=checksum,
            automatic=auto_grant,
            from_frame=from_frame,
            memory=memory,
        )
