# SPDX-License-Identifier: Apache-2.0
"""What the endpoint knows about stories: whose they are, how they stand, how many beats they have had."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from shotstream_bridge.beat_progress import STAGES
from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.fields import BeatStage, Quotas
from shotstream_bridge.replies import BeatStatus, StoryClosed, StoryOpened
from shotstream_bridge.service import KnownStory

BEATS_RETOLD: Final = 1_000
"""Beats whose latest stage is told to a client that comes back, the newest ones of the story."""


@dataclass(eq=False)
class StoryEntry:
    """One story.

    Attributes:
        owner: The client that opened it.
        user: That client's key, where there are keys.
        opened: How it was opened.
        beats: The latest stage of each of its beats, in the order of acceptance.
        in_work: Beats that are not done.
        closed: How it ended, if it has.
        forget_at: When an ended story is forgotten, monotonic seconds.
        alone_since: Since when neither its owner nor a watcher is there.
    """

    owner: str
    user: bytes | None
    opened: StoryOpened
    beats: OrderedDict[str, BeatStatus] = field(default_factory=OrderedDict)
    in_work: int = 0
    closed: StoryClosed | None = None
    forget_at: float = 0.0
    alone_since: float | None = None

    def latest_stages(self) -> list[BeatStatus]:
        """The latest stage of the newest beats, in the order of their acceptance."""
        return list(self.beats.values())[-BEATS_RETOLD:]


class StoryLedger:
    """The stories that are open, and those that ended a moment ago. Belongs to the endpoint's thread.

    Args:
        quotas: How many beats there may be, and how long an ended story is known.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._stories: dict[str, StoryEntry] = {}
        self._in_work = 0

    def get(self, story_id: str) -> StoryEntry | None:
        """A story, open or ended a moment ago."""
        return self._stories.get(story_id)

    def is_open(self, story_id: str) -> bool:
        """Whether a story is open."""
        story = self._stories.get(story_id)
        return story is not None and story.closed is None

    def owner_of(self, story_id: str) -> str | None:
        """The client that opened a story."""
        story = self._stories.get(story_id)
        return None if story is None else story.owner

    def opened(self, opened: StoryOpened, client_id: str, user: bytes | None) -> bool:
        """The host has opened a story, or said again that it is open; returns whether it is new."""
        if self.is_open(opened.story_id):
            return False
        self._stories[opened.story_id] = StoryEntry(client_id, user, opened)
        return True

    def adopt(self, known: KnownStory, now: float) -> None:
        """Takes in a story that the host has from before."""
        if self.is_open(known.story_id):
            return
        entry = StoryEntry(known.owner, known.user, known.opened)
        entry.beats.update((status.beat_id, status) for status in known.beats)
        self._stories[known.story_id] = entry
        if known.closed is not None:
            entry.closed = known.closed
            entry.forget_at = now + self._quotas.resume_s
            return
        entry.in_work = sum(status.stage is not BeatStage.DONE for status in known.beats)
        self._in_work += entry.in_work

    def remove(self, story_id: str) -> None:
        """Forgets a story that the host lays aside."""
        story = self._stories.pop(story_id, None)
        if story is not None:
            self._in_work -= story.in_work

    def alone(self, now: float, patience_s: float, has_somebody: Callable[[str, str], bool]) -> list[str]:
        """The open stories that nobody has been there for, for so long; each again after as long.

        Args:
            now: Monotonic seconds.
            patience_s: Seconds.
            has_somebody: Whether a story's owner, or anyone who watches it, is there.
        """
        alone = []
        for story_id, story in self._stories.items():
            if story.closed is not None or has_somebody(story_id, story.owner):
                story.alone_since = None
            elif story.alone_since is None:
                story.alone_since = now
            elif now - story.alone_since >= patience_s:
                story.alone_since = now
                alone.append(story_id)
        return alone

    def check_key(self, story_id: str, client_id: str, user: bytes | None) -> None:
        """Checks that a story is not another key's, under the same client's name.

        Raises:
            RequestRejected: ``not_owner``.
        """
        story = self._stories.get(story_id)
        foreign = story is not None and story.owner == client_id and None not in (user, story.user)
        if story is not None and story.closed is None and foreign and user != story.user:
            raise RequestRejected(
                ErrorCode.NOT_OWNER,
                f"story {story_id} belongs to a client {client_id} with another key; use that key",
                field="story_id",
            )

    def ended(self, closed: StoryClosed, now: float) -> None:
        """A story has ended."""
        story = self._stories.get(closed.story_id)
        if story is not None and story.closed is None:
            story.closed = closed
            story.forget_at = now + self._quotas.resume_s
            self._in_work -= story.in_work
            story.in_work = 0

    def forget(self, now: float, is_watched: Callable[[str], bool]) -> list[str]:
        """Forgets the stories that ended long enough ago; returns their identifiers.

        Args:
            now: Monotonic seconds.
            is_watched: Whether somebody is still at a story's frames; it is then kept for as long again.
        """
        over = [i for i, s in self._stories.items() if s.closed is not None and s.forget_at <= now]
        gone = [story_id for story_id in over if not is_watched(story_id)]
        for story_id in over:
            self._stories[story_id].forget_at = now + self._quotas.resume_s
        for story_id in gone:
            del self._stories[story_id]
        return gone

    def next_to_forget(self) -> float | None:
        """When :meth:`forget` has something to do."""
        return min((s.forget_at for s in self._stories.values() if s.closed is not None), default=None)

    def belongs_to_another(self, client_id: str, user: bytes | None) -> bool:
        """Whether a client of this name and another key owns an open story."""
        return any(
            story.owner == client_id
            and story.closed is None
            and None not in (user, story.user)
            and story.user != user
            for story in self._stories.values()
        )

    def check_beat(self, story_id: str, beat_id: str) -> None:
        """Checks that there is room for a beat; one that is known needs none.

        Raises:
            RequestRejected: ``too_many_beats`` or ``queue_full``.
        """
        story = self._stories.get(story_id)
        if story is None or story.closed is not None or beat_id in story.beats:
            return
        if len(story.beats) >= self._quotas.beats_per_story:
            raise RequestRejected(
                ErrorCode.TOO_MANY_BEATS,
                f"story {story_id} has had {len(story.beats)} beats; beats_per_story is "
                f"{self._quotas.beats_per_story}; open another story",
                field="beat",
            )
        if self._in_work >= self._quotas.beats_in_work:
            raise RequestRejected(
                ErrorCode.QUEUE_FULL,
                f"{self._in_work} beats are in work on this server; beats_in_work is "
                f"{self._quotas.beats_in_work}; try again when some are done",
                field="beat",
            )

    def accepted(self, status: BeatStatus) -> None:
        """The host has accepted a beat, or said again that it has."""
        story = self._stories.get(status.story_id)
        if story is not None and story.closed is None and status.beat_id not in story.beats:
            story.beats[status.beat_id] = status
            story.in_work += 1
            self._in_work += 1

    def told(self, status: BeatStatus) -> bool:
        """The host tells of a beat's stage; False if the beat is known to be at that stage or beyond."""
        story = self._stories.get(status.story_id)
        known = None if story is None else story.beats.get(status.beat_id)
        if story is None or known is None or status.stage not in STAGES:
            return True
        if STAGES.index(status.stage) <= STAGES.index(known.stage):
            return False
        story.beats[status.beat_id] = status
        if status.stage is BeatStage.DONE and story.closed is None:
            story.in_work -= 1
            self._in_work -= 1
        return True


def unknown_story(story_id: str) -> RequestRejected:
    """The refusal of a request about a story that there is not."""
    return RequestRejected(
        ErrorCode.UNKNOWN_STORY, f"story {story_id} is not open; open it first", field="story_id"
    )
