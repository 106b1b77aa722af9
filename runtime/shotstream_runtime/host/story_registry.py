# SPDX-License-Identifier: Apache-2.0
"""The stories that are open, who owns them, and what may be asked of them.

Only bookkeeping: nothing here computes or waits, so the endpoint's thread may call it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import CancelBeat, OpenStory, StoryEnd, StoryLimits, SubmitBeat

from .admission import Admission
from .hosted_story import HostedStory


class StoryRegistry:
    """Open stories in the order of their turns.

    Attributes:
        changed: Guards the registry and its stories, and is notified when there may be work. Every method
            is called with it held; it is never held while something is computed.
    """

    def __init__(self, limits: StoryLimits, admission: Admission) -> None:
        self.changed = threading.Condition()
        self._limits = limits
        self._admission = admission
        self._stories: dict[str, HostedStory] = {}
        self._turns: list[HostedStory] = []

    def in_turn(self) -> Iterator[HostedStory]:
        """The stories, the one whose turn it is first."""
        return iter(list(self._turns))

    def take_turn(self, story: HostedStory) -> None:
        """Puts a story behind all others."""
        self._turns.remove(story)
        self._turns.append(story)

    def remove(self, story: HostedStory) -> bool:
        """Forgets a story that has ended; False if it was forgotten before."""
        if self._stories.get(story.id) is not story:
            return False
        del self._stories[story.id]
        self._turns.remove(story)
        return True

    def open(self, client_id: str, request: OpenStory) -> HostedStory | None:
        """Adds a story.

        Returns:
            The story, or None if this client opened this very story before.

        Raises:
            RequestRejected: The id is taken, too many stories are open, or there is no room for one more.
        """
        known = self._stories.get(request.story_id)
        if known is not None:
            if known.owner == client_id and known.same_opening(request):
                return None
            raise RequestRejected(
                ErrorCode.STORY_EXISTS,
                f"a story {request.story_id!r} is open already; choose another id",
                field="story_id",
            )
        own = sum(story.owner == client_id for story in self._turns)
        if own >= self._limits.stories_per_client:
            raise RequestRejected(
                ErrorCode.TOO_MANY_STORIES,
                f"this client has {own} stories open; stories_per_client is "
                f"{self._limits.stories_per_client}; close one first",
                field="story_id",
            )
        self._admission.check_story(self._turns)
        story = HostedStory(request, client_id)
        self._stories[story.id] = story
        self._turns.append(story)
        return story

    def get(self, story_id: str) -> HostedStory | None:
        """A story, while it is open."""
        return self._stories.get(story_id)

    def adopt(self, story: HostedStory) -> None:
        """Adds a story that was open before.

        Raises:
            RequestRejected: There is no room for it now.
        """
        if story.id in self._stories:
            raise RequestRejected(ErrorCode.STORY_EXISTS, f"a story {story.id!r} is open already")
        self._admission.check_story(self._turns)
        self._stories[story.id] = story
        self._turns.append(story)

    def submit(self, client_id: str, request: SubmitBeat) -> tuple[HostedStory, bool]:
        """Takes a beat in.

        Returns:
            Its story, and whether it is new: False if the very same beat was taken in before.

        Raises:
            RequestRejected: The story is not this client's, or does not take the beat, or too much waits.
        """
        story = self.owned(client_id, request.story_id)
        record = story.admit(request.beat, self._limits.beats_waiting)
        if record is None:
            return story, False
        try:
            self._admission.check_beat(self._turns, story, record)
        except RequestRejected:
            del story.beats[request.beat_id]
            raise
        return story, True

    def cancel(self, client_id: str, request: CancelBeat) -> None:
        """Takes a beat back; it is done when the stream says so.

        Raises:
            RequestRejected: The story is not this client's, or never had the beat.
        """
        story = self.owned(client_id, request.story_id)
        record = story.beats.get(request.beat_id)
        if record is not None:
            record.withdrawn = True
            if record.in_stream and story.stream is not None:
                story.stream.cancel(request.beat_id)
            self.changed.notify_all()
        elif not story.was_finished(request.beat_id):
            raise RequestRejected(
                ErrorCode.UNKNOWN_BEAT,
                f"story {story.id!r} has no beat {request.beat_id!r}",
                field="beat_id",
            )

    def owned(self, client_id: str, story_id: str) -> HostedStory:
        """The story, if it is this client's.

        Raises:
            RequestRejected: There is no such story, or another client owns it.
        """
        story = self._stories.get(story_id)
        if story is None:
            raise RequestRejected(
                ErrorCode.UNKNOWN_STORY,
                f"there is no open story {story_id!r}; open it first",
                field="story_id",
            )
        if story.owner != client_id:
            raise RequestRejected(
                ErrorCode.NOT_OWNER,
                f"story {story_id!r} belongs to another client; only that one may change it",
                field="story_id",
            )
        return story

    def end(self, story: HostedStory, end: StoryEnd) -> None:
        """Decides that a story ends; draining may still turn into stopping, not the other way round."""
        if story.ending is None or (story.ending is StoryEnd.DRAINED and end is not StoryEnd.DRAINED):
            story.ending = end
            if end is not StoryEnd.DRAINED and story.stream is not None:
                story.stream.stop()
        self.changed.notify_all()

    def end_all_of(self, client_id: str) -> None:
        """Stops the stories of a client that left: nobody could steer them any more."""
        for story in self.in_turn():
            if story.owner == client_id:
                self.end(story, StoryEnd.STOPPED)
