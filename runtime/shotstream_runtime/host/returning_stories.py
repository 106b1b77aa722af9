# SPDX-License-Identifier: Apache-2.0
"""Stories of the journal that a host goes on with: when it starts, and when a client asks for one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.messages import StoryEnd
from shotstream_bridge.service import EarlierFrames

from shotstream_runtime.journal.errors import JournalError
from shotstream_runtime.journal.journal import Journal

from .announcer import FrameOutlet
from .counters import HostCounters
from .story_keeper import StoryKeeper, refusal_of
from .story_preparer import StoryPreparer
from .story_registry import StoryRegistry
from .story_revival import RevivedStory, StoryRevival

_log = logging.getLogger(__name__)

# Longest time to wait for a story to be laid aside before it is taken up again: well over any chunk.
_SUSPENSION_S = 60.0


class ReturningStories:
    """Takes stories up: those that were open as soon as it is made, so that none is opened as if it were new.

    Args:
        journal: The journal.
        revival: Reads it.
        registry: The open stories.
        keeper: The host's way to its journal.
        preparer: Does ahead of generation what takes its time.
        counters: What happens is counted here.
    """

    def __init__(
        self,
        journal: Journal,
        revival: StoryRevival,
        registry: StoryRegistry,
        keeper: StoryKeeper,
        preparer: StoryPreparer,
        counters: HostCounters,
    ) -> None:
        self._journal = journal
        self._revival = revival
        self._registry = registry
        self._changed = registry.changed
        self._keeper = keeper
        self._preparer = preparer
        self._counters = counters
        self._outlet: FrameOutlet
        self._taken_up = []
        for revived in revival.open_stories():
            try:
                self._take_up(revived)
            except RequestRejected:
                continue  # it is asked for later
            self._taken_up.append(revived)

    def meet(self, outlet: FrameOutlet) -> None:
        """Tells an endpoint of the stories that were taken up."""
        self._outlet = outlet
        for revived in self._taken_up:
            self._present(revived)
        self._taken_up.clear()

    def find(self, story_id: str, stopping: Callable[[], bool]) -> Future[None] | None:
        """Looks for a story of before; see `StoryService.find_story`.

        Args:
            story_id: Its name.
            stopping: Whether the host stops; asked with its lock held.
        """
        with self._changed:
            if self._registry.get(story_id) is None and not self._journal.has(story_id):
                return None
        try:
            return self._journal.find_later(partial(self._find, story_id, stopping))
        except JournalError as error:
            raise refusal_of(error) from error

    def read_frames(self, story_id: str, first: int) -> EarlierFrames:
        """Reads frames back; see `StoryService.read_frames`."""
        return self._revival.read_frames(story_id, first)

    def _find(self, story_id: str, stopping: Callable[[], bool]) -> None:
        """Brings a story back, on the journal's thread for that."""

        def laid_aside() -> bool:
            story = self._registry.get(story_id)
            return story is None or not story.suspending or stopping()

        with self._changed:
            if not self._changed.wait_for(laid_aside, _SUSPENSION_S):
                why = f"story {story_id!r} is being suspended; try again later"
                raise RequestRejected(ErrorCode.BUSY, why, field="story_id")
            if stopping():
                raise RequestRejected(ErrorCode.STOPPING, "the server is stopping; try again when it is back")
            if self._registry.get(story_id) is not None:
                return
        revived = self._revival.find(story_id)
        if revived is not None:
            self._take_up(revived)
            self._present(revived)

    def _take_up(self, revived: RevivedStory) -> None:
        """Takes a story up, if it goes on.

        Raises:
            RequestRejected: There is no room for it now; it stays in the journal.
        """
        story = revived.story
        if story is None:
            return
        ids = {"story": story.id, "client": story.owner}
        try:
            with self._changed:
                self._registry.adopt(story)
                self._counters.stories_resumed += 1
        except RequestRejected as refusal:
            _log.error("story %s stays in the journal: %s", story.id, refusal.reason, extra=ids)
            self._keeper.end(story, StoryEnd.SERVER_STOPPING, None)
            raise
        _log.info("story %s goes on at frame %d", story.id, revived.known.frames, extra=ids)

    def _present(self, revived: RevivedStory) -> None:
        """Tells the endpoint of a story, and has its stream prepared."""
        self._outlet.adopt(revived.known)
        story = revived.story
        if story is None:
            return
        self._keeper.tell_filed(story, self._outlet)
        self._preparer.open_stream(story, revived.past)
        for beat_id, record in story.beats.items():
            if not record.in_stream:
                self._preparer.prepare_beat(story, beat_id)
