# SPDX-License-Identifier: Apache-2.0
"""Handles the asyncio client gives out; they do what those of the synchronous one do."""

from __future__ import annotations

from typing import Protocol

from shotstream_bridge.client_core import ClientCore
from shotstream_bridge.events import Reply
from shotstream_bridge.fields import PixelFormat, WatchMode
from shotstream_bridge.replies import StoryOpened
from shotstream_bridge.story import BeatScript, StoryScript
from shotstream_bridge.story_requests import DEFAULT_CREDITS, DEFAULT_WAIT_S, StoryRequests


class AsyncRequester(Protocol):
    """What a handle needs of its client."""

    @property
    def core(self) -> ClientCore:
        """The protocol's state."""
        ...

    async def settle(self, request: int, wait: float) -> Reply | None:
        """Sends, and waits for the reply to a request."""
        ...

    def flush(self) -> None:
        """Has what waits sent."""
        ...


class AsyncSubscription:
    """See :class:`~shotstream_bridge.handles.Subscription`.

    Attributes:
        number: As in the headers of its frames.
        story_id: The story.
    """

    def __init__(self, client: AsyncRequester, number: int, story_id: str) -> None:
        self._client = client
        self.number = number
        self.story_id = story_id

    @property
    def in_memory(self) -> bool:
        """Whether its frames come through shared memory; known once the server has answered."""
        return self._client.core.in_memory(self.number)

    def grant(self, credits: int) -> None:
        """Grants credits by hand; needed only for a subscription made with ``auto_grant=False``."""
        self._client.core.grant(self.number, credits)
        self._client.flush()

    async def end(self, wait: float = DEFAULT_WAIT_S) -> None:
        """Ends the subscription; no frame of it follows the server's answer."""
        await self._client.settle(self._client.core.unsubscribe(self.number), wait)


class AsyncStoryHandle(StoryRequests):
    """A story on the server; arguments and errors are those of :class:`~.handles.StoryHandle`."""

    def __init__(self, client: AsyncRequester, story_id: str, opened: StoryOpened | None = None) -> None:
        super().__init__(client.core, story_id, opened)
        self._client = client

    async def submit_beat(self, beat: BeatScript | str, wait: float = 0.0) -> str:
        """Sends a beat; returns its identifier."""
        request, name = self._submit(beat)
        await self._client.settle(request, wait)
        return name

    async def submit_script(self, script: StoryScript) -> list[str]:
        """Sends all beats of a script, in order; returns their identifiers."""
        return [await self.submit_beat(beat) for beat in script.beats]

    async def cancel_beat(self, beat_id: str, wait: float = 0.0) -> None:
        """Takes a waiting beat back, or ends the running one at the next chunk boundary."""
        await self._client.settle(self._core.cancel_beat(self.story_id, beat_id), wait)

    async def close(self, *, drain: bool = True, wait: float = 0.0) -> None:
        """Ends the story; ``story_closed`` follows as an event."""
        await self._client.settle(self._core.close_story(self.story_id, drain=drain), wait)

    async def subscribe(
        self,
        mode: WatchMode | str = WatchMode.EVERY,
        *,
        credits: int = DEFAULT_CREDITS,
        pixel_format: PixelFormat | str = PixelFormat.RGB8,
        quality: int | None = None,
        checksum: bool = True,
        auto_grant: bool = True,
        from_frame: int | None = None,
        memory: bool = False,
        wait: float = DEFAULT_WAIT_S,
    ) -> AsyncSubscription:
        """Asks for the story's frames."""
        request, number = self._watch(
            mode, credits, pixel_format, quality, checksum, auto_grant, from_frame, memory
        )
        await self._client.settle(request, wait)
        return AsyncSubscription(self._client, number, self.story_id)
