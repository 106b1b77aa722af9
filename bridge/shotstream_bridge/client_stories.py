# SPDX-License-Identifier: Apache-2.0
"""What a client knows of its stories: subscriptions, stages told, and how all of it is taken up again."""

from __future__ import annotations

from collections.abc import Callable

from shotstream_bridge.beat_progress import BeatProgress
from shotstream_bridge.events import ClientEvent, FramesMissed
from shotstream_bridge.fields import Message, StoryEnd
from shotstream_bridge.replies import Error, FrameHeader, StoryClosed, StoryResumed, Subscribed
from shotstream_bridge.requests import ResumeStory, Subscribe
from shotstream_bridge.windows import Window


class ClientStories:
    """Stories that a client has opened or watches. Without sockets, threads or clocks.

    Attributes:
        progress: The stages of beats that the application was told.
    """

    def __init__(self) -> None:
        self._windows: dict[int, Window] = {}
        # Shots seen of each story that can be resumed.
        self._shots: dict[str, int] = {}
        # What a request of a new connection takes up: a subscription's number or a story.
        self._resuming: dict[int, int | str] = {}
        # What the server could not take up at the moment.
        self._postponed: list[int | str] = []
        self.progress = BeatProgress()

    # --- subscriptions --------------------------------------------------------------------------------

    def subscribe(self, message: Subscribe, *, automatic: bool) -> None:
        """A subscription is asked for."""
        self._windows[message.subscription] = Window(message, automatic, left=message.credits)

    def unsubscribe(self, number: int) -> None:
        """A subscription is given up."""
        self._windows.pop(number, None)

    def granted(self, number: int, credits: int) -> int:
        """Credits are granted by hand; returns those the server has not been given in advance."""
        window = self._windows.get(number)
        return credits if window is None else window.granted(credits)

    def consumed(self, number: int) -> int:
        """The application was handed a frame; returns how many credits to grant now."""
        window = self._windows.get(number)
        return 0 if window is None else window.consumed()

    def watched(self, story_id: str) -> list[int]:
        """The subscriptions to a story."""
        return [number for number, window in self._windows.items() if window.story_id == story_id]

    def received(self, header: FrameHeader) -> list[ClientEvent]:
        """A frame has arrived; returns what the application should know before it."""
        missed: list[ClientEvent] = []
        window = self._windows.get(header.subscription)
        if window is not None:
            if window.lossless and header.skipped:
                first = header.index - header.skipped
                missed.append(FramesMissed(header.subscription, header.story_id, first, header.skipped))
            window.received(header.index)
        if header.story_id in self._shots:
            self._shots[header.story_id] = max(self._shots[header.story_id], header.shot + 1)
        return missed

    # --- stories --------------------------------------------------------------------------------------

    def opened(self, story_id: str) -> None:
        """The server has opened a story, or a subscription to it."""
        self._shots.setdefault(story_id, 0)

    def closed(self, story_id: str) -> bool:
        """A story has ended; False if that was told before."""
        windows = self.watched(story_id)
        for number in windows:
            del self._windows[number]
        self.progress.forget(story_id)
        return self._shots.pop(story_id, None) is not None or bool(windows)

    # --- a new connection -----------------------------------------------------------------------------

    def resume(self, next_request: Callable[[], int]) -> list[Message]:
        """What to send on a new connection so that everything goes on where it was.

        Subscriptions come before the stories: a story that has ended meanwhile ends its subscriptions.
        """
        self._resuming.clear()
        # A subscription that was not answered yet is sent again with the other requests.
        confirmed = [number for number, window in self._windows.items() if window.confirmed]
        self._postponed = [*confirmed, *self._shots]
        return self.resume_postponed(next_request)

    @property
    def postpones(self) -> bool:
        """Whether something is to be taken up later."""
        return bool(self._postponed)

    def resume_postponed(self, next_request: Callable[[], int]) -> list[Message]:
        """What to send to take up what could not be taken up before."""
        messages: list[Message] = []
        for what in self._postponed:
            request = next_request()
            if isinstance(what, str):
                messages.append(ResumeStory(request=request, story_id=what))
            elif what in self._windows:
                messages.append(self._windows[what].again(request))
            else:
                continue
            self._resuming[request] = what
        self._postponed.clear()
        return messages

    def subscribed(self, message: Subscribed) -> list[ClientEvent] | None:
        """A subscription was answered.

        Returns:
            What the application should know instead, if the answer is to a subscription taken up again.
        """
        again = self._resuming.pop(message.request, None) is not None
        window = self._windows.get(message.subscription)
        if window is None:
            return [] if again else None
        self.opened(message.story_id)
        window.confirmed = True
        expected, window.next_frame = window.next_frame, message.first_frame
        if not again:
            return None
        if expected is None or message.first_frame is None or message.first_frame <= expected:
            return []
        missed = message.first_frame - expected
        return [FramesMissed(message.subscription, message.story_id, expected, missed)]

    def is_resuming(self, story_id: str) -> bool:
        """Whether the server is yet to tell how a story stands: what it tells before is told again then."""
        return story_id in self._resuming.values() or story_id in self._postponed

    def resumed(self, message: StoryResumed) -> None:
        """A story goes on."""
        self._resuming.pop(message.request, None)

    def not_resumed(self, error: Error) -> list[ClientEvent] | None:
        """The server refused something.

        Returns:
            What the application should know instead, if that was to take something up again: once for each
            story, that it has ended. What may be tried again is postponed.
        """
        what = None if error.request is None else self._resuming.pop(error.request, None)
        if what is None:
            return None
        if error.retryable:
            self._postponed.append(what)
            return []
        if isinstance(what, int):
            window = self._windows.get(what)
            if window is None:
                return []
            story_id = window.story_id
        else:
            story_id = what
        seen = [w.next_frame or 0 for w in self._windows.values() if w.story_id == story_id]
        shots = self._shots.get(story_id, 0)
        if not self.closed(story_id):
            return []
        reason = f"the server could not go on with it: {error.reason}"
        end = StoryClosed(
            story_id=story_id, end=StoryEnd.FAILED, shots=shots, frames=max(seen, default=0), reason=reason
        )
        return [end]
