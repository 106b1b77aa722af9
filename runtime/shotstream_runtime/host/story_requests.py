# SPDX-License-Identifier: Apache-2.0
"""What clients ask of stories: granted at once, or with a journal once it is on disk.

Called on the endpoint's thread, which never waits for a disk: what has to be written first is handed to the
journal's thread for that, in the order in which it was asked for, and answered with a promise.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future

from shotstream_bridge.errors import RequestRejected
from shotstream_bridge.messages import (
    CancelBeat,
    CloseStory,
    OpenStory,
    StoryEnd,
    StoryOpened,
    SubmitBeat,
)
from shotstream_bridge.story import BeatScript

from shotstream_runtime.journal.entries import Wish

from .announcer import FrameOutlet
from .counters import HostCounters
from .hosted_story import BeatRecord, HostedStory
from .model_facts import ModelFacts
from .story_keeper import StoryKeeper
from .story_preparer import StoryPreparer
from .story_registry import StoryRegistry

_log = logging.getLogger(__name__)


class StoryRequests:
    """Takes requests in for a host.

    Args:
        registry: The open stories.
        keeper: The host's way to its journal.
        preparer: Does ahead of generation what takes its time.
        facts: Of the model.
        outlet: Is told of stories whose frames are archived.
        counters: What happens is counted here.
    """

    def __init__(
        self,
        registry: StoryRegistry,
        keeper: StoryKeeper,
        preparer: StoryPreparer,
        facts: ModelFacts,
        outlet: FrameOutlet,
        counters: HostCounters,
    ) -> None:
        self._registry = registry
        self._changed = registry.changed
        self._keeper = keeper
        self._preparer = preparer
        self._facts = facts
        self._outlet = outlet
        self._counters = counters

    def open(
        self, client_id: str, request: OpenStory, user: bytes | None
    ) -> StoryOpened | Future[StoryOpened]:
        """Opens a story; see `StoryService.open_story`."""
        opened = self._facts.story_opened(request.story_id, request.request)
        with self._changed:
            story = self._registry.open(client_id, request)
            if story is None:
                known = self._registry.get(request.story_id)
                return known.opening or opened if known is not None else opened
            if self._keeper.keeps:
                story.opening = self._keeper.later(lambda: self._begin(story, user, opened))
                return story.opening
        self._opened(story)
        return opened

    def _begin(self, story: HostedStory, user: bytes | None, opened: StoryOpened) -> StoryOpened:
        try:
            self._keeper.begin(story, user)
        except RequestRejected:
            with self._changed:
                self._registry.remove(story)
            raise
        self._outlet.archives(story.id)
        self._keeper.tell_filed(story, self._outlet)
        self._opened(story)
        return opened

    def _opened(self, story: HostedStory) -> None:
        ids = {"story": story.id, "client": story.owner}
        with self._changed:
            self._counters.stories_opened += 1
        _log.info("story %s opened by %s with seed %d", story.id, story.owner, story.request.seed, extra=ids)
        self._preparer.open_stream(story)

    def submit(self, client_id: str, request: SubmitBeat) -> Future[None] | None:
        """Accepts a beat; see `StoryService.submit_beat`."""
        with self._changed:
            story, is_new = self._registry.submit(client_id, request)
            record = story.beats.get(request.beat_id)
            if not is_new or record is None:
                # Sent again: it is accepted when it was accepted the first time.
                return None if record is None else record.writing
            if self._keeper.keeps:
                record.writing = self._keeper.later(lambda: self._write_beat(story, record, request))
                return record.writing
        self._accepted(story, request)
        return None

    def _write_beat(self, story: HostedStory, record: BeatRecord, request: SubmitBeat) -> None:
        try:
            self._keeper.accept(story, request.beat_id)
        except RequestRejected:
            with self._changed:
                if story.beats.get(request.beat_id) is record:
                    del story.beats[request.beat_id]
            raise
        # It is accepted even if the story ended in this moment: what is on disk is played should it go on.
        with self._changed:
            record.writing = None
        self._accepted(story, request)

    def _accepted(self, story: HostedStory, request: SubmitBeat) -> None:
        ids = {"story": story.id, "client": story.owner, "beat": request.beat_id}
        with self._changed:
            self._counters.beats_accepted += 1
        _log.info("beat %s accepted: %s", request.beat_id, _manner(request.beat), extra=ids)
        self._preparer.prepare_beat(story, request.beat_id)

    def cancel(self, client_id: str, request: CancelBeat) -> Future[None] | None:
        """Takes a beat back; see `StoryService.cancel_beat`."""
        with self._changed:
            story = self._registry.owned(client_id, request.story_id)
            if not self._keeper.keeps or request.beat_id not in story.beats:
                self._registry.cancel(client_id, request)
                return None

        def write() -> None:
            self._keeper.wish(story, Wish.CANCEL, request.beat_id)
            with self._changed:
                self._registry.cancel(client_id, request)

        return self._keeper.later(write)

    def close(self, client_id: str, request: CloseStory) -> Future[None] | None:
        """Ends a story; see `StoryService.close_story`."""
        end = StoryEnd.DRAINED if request.drain else StoryEnd.STOPPED
        with self._changed:
            story = self._registry.owned(client_id, request.story_id)
            if not self._keeper.keeps:
                self._registry.end(story, end)
                return None

        def write() -> None:
            self._keeper.wish(story, Wish.DRAIN if request.drain else Wish.STOP)
            with self._changed:
                self._registry.end(story, end)

        return self._keeper.later(write)

    def suspend(self, story_id: str) -> bool:
        """Lays a story aside at the next chunk boundary; see `StoryService.suspend_story`."""
        with self._changed:
            story = self._registry.get(story_id)
            if story is None or story.recorder is None or story.suspending:
                return False
            # What ends by itself, or is being asked for, is not laid aside.
            if story.ending is not None or story.failure is not None or story.being_written:
                return False
            story.suspending = True
            self._changed.notify_all()
        return True


def _manner(beat: BeatScript) -> str:
    """What may be logged of a beat; not its words, which are the client's."""
    policy = "" if beat.policy is None else f", {beat.policy.value}"
    return f"{beat.mode.value}{policy}, {len(beat.text)} characters"
