# SPDX-License-Identifier: Apache-2.0
"""Handles the synchronous client gives out: a story on the server, and a subscription to its frames."""

from __future__ import annotations

from typing import Protocol

from shotstream_bridge.client_core import ClientCore
from shotstream_bridge.events import Reply
from shotstream_bridge.fields import PixelFormat, WatchMode
from shotstream_bridge.replies import StoryOpened
from shotstream_bridge.story import BeatScript, StoryScript
from shotstream_bridge.story_requests import DEFAULT_CREDITS, DEFAULT_WAIT_S, StoryRequests


class Requester(Protocol):
    """What a handle needs of its client."""

    @property
    def core(self) -> ClientCore:
        """The protocol's state."""
        ...

    def settle(self, request: int, wait: float) -> Reply | None:
        """Sends, and waits for the reply to a request."""
        ...

    def flush(self) -> None:
        """Sends what waits."""
        ...


class Subscription:
    """A subscription to a story's frames; :meth:`StoryHandle.subscribe` makes it.

    Attributes:
        number: As in the headers of its frames.
        story_id: The story.
    """

    def __init__(self, client: Requester, number: int, story_id: str) -> None:
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

    def end(self, wait: float = DEFAULT_WAIT_S) -> None:
        """Ends the subscription; no frame of it follows the server's answer.

        Args:
            wait: Seconds to wait for the answer; with 0 it comes as an event.
        """
        self._client.settle(self._client.core.unsubscribe(self.number), wait)


class StoryHandle(StoryRequests):
    """A story on the server.

    Every request takes ``wait``, the seconds to wait for the server's answer. With 0 it returns at once, and
    the answer (``story_opened``, ``beat_status``, ``subscribed``, ``ack`` or ``error``) comes as an event.
    Otherwise the answer is not given as an event, and the request raises
    :class:`~shotstream_bridge.errors.RequestFailedError` when the server refuses,
    :class:`~shotstream_bridge.errors.RequestTimeoutError` without an answer and
    :class:`~shotstream_bridge.errors.NotConnectedError` when the connection is lost.

    Attributes:
        story_id: The story.
        opened: What the server answered, if it was waited for.
    """

    def __init__(self, client: Requester, story_id: str, opened: StoryOpened | None = None) -> None:
        super().__init__(client.core, story_id, opened)
        self._client = client

    def submit_beat(self, beat: BeatScript | str, wait: float = 0.0) -> str:
        """Sends a beat.

        Args:
            beat: The beat; a text stands for a ``cut``. Without an identifier it is given one.
            wait: Seconds to wait for ``accepted``; with 0 it comes as an event, as the later stages do.

        Returns:
            The beat's identifier.

        Raises:
            pydantic.ValidationError: The text is empty or too long.
        """
        request, name = self._submit(beat)
        self._client.settle(request, wait)
        return name

    def submit_script(self, script: StoryScript) -> list[str]:
        """Sends all beats of a script, in order; returns their identifiers."""
        return [self.submit_beat(beat) for beat in script.beats]

    def cancel_beat(self, beat_id: str, wait: float = 0.0) -> None:
        """Takes a waiting beat back, or ends the running one at the next chunk boundary."""
        self._client.settle(self._core.cancel_beat(self.story_id, beat_id), wait)

    def close(self, *, drain: bool = True, wait: float = 0.0) -> None:
        """Ends the story; ``story_closed`` follows as an event.

        Args:
            drain: Whether what is queued is generated first; otherwise it ends at the next chunk boundary.
            wait: Seconds to wait for the acknowledgement.
        """
        self._client.settle(self._core.close_story(self.story_id, drain=drain), wait)

    def subscribe(
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
    ) -> Subscription:
        """Asks for the story's frames.

        Args:
            mode: ``every`` (lossless; generation waits for this client) or ``latest`` (live; old frames are
                skipped).
            credits: Frames that may be in flight.
            pixel_format: ``rgb8``, ``bgra8``, ``jpeg``, ``webp`` or ``png``.
            quality: 1 to 100, for JPEG and WebP only.
            checksum: Whether frames carry their checksum, to be checked on arrival: two passes over the
                pixels, 0.1 ms each for raw 832x480.
            auto_grant: Whether frames that the client hands out are granted again.
            from_frame: Number of the frame to begin with, or the oldest after it that the server still has;
                None for the next one generated. For ``every`` only.
            memory: Whether frames are to come through shared memory: for a client on the server's host, and
                ``rgb8`` or ``bgra8`` only. Where it is impossible they come over the connection.
            wait: Seconds to wait for the answer.
        """
        request, number = self._watch(
            mode, credits, pixel_format, quality, checksum, auto_grant, from_frame, memory
        )
        self._client.settle(request, wait)
        return Subscription(self._client, number, self.story_id)
