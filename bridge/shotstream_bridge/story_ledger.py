# SPDX-License-Identifier: Apache-2.0
"""What the endpoint knows about open stories: whose they are, and how many beats they have had."""

from __future__ import annotations

from dataclasses import dataclass, field

from shotstream_bridge.errors import ErrorCode, RequestRejected
from shotstream_bridge.fields import BeatStage, Quotas
from shotstream_bridge.replies import BeatStatus


@dataclass(eq=False)
class _OpenStory:
    """One open story.

    Attributes:
        owner: The client that opened it.
        user: That client's key, where there are keys.
        beats: The latest stage of each of its beats.
        in_work: Beats that are not done.
    """

    owner: str
    user: bytes | None
    beats: dict[str, BeatStage] = field(default_factory=dict)
    in_work: int = 0


class StoryLedger:
    """The open stories. Belongs to the endpoint's thread.

    Args:
        quotas: How many beats there may be.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._stories: dict[str, _OpenStory] = {}
        self._in_work = 0

    def __contains__(self, story_id: str) -> bool:
        return story_id in self._stories

    def owner_of(self, story_id: str) -> str | None:
        """The client that opened a story."""
        story = self._stories.get(story_id)
        return None if story is None else story.owner

    def opened(self, story_id: str, client_id: str, user: bytes | None) -> None:
        """The host has opened a story, or said again that it is open."""
        self._stories.setdefault(story_id, _OpenStory(client_id, user))

    def closed(self, story_id: str) -> None:
        """The story has ended."""
        story = self._stories.pop(story_id, None)
        if story is not None:
            self._in_work -= story.in_work

    def belongs_to_another(self, client_id: str, user: bytes | None) -> bool:
        """Whether a client of this name and another key owns a story."""
        return any(story.owner == client_id and story.user != user for story in self._stories.values())

    def check_beat(self, story_id: str, beat_id: str) -> None:
        """Checks that there is room for a beat; one that is known needs none.

        Raises:
            RequestRejected: ``too_many_beats`` or ``queue_full``.
        """
        story = self._stories.get(story_id)
        if story is None or beat_id in story.beats:
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

    def accepted(self, story_id: str, beat_id: str) -> None:
        """The host has accepted a beat, or said again that it has."""
        story = self._stories.get(story_id)
        if story is not None and beat_id not in story.beats:
            story.beats[beat_id] = BeatStage.ACCEPTED
            story.in_work += 1
            self._in_work += 1

    def told(self, status: BeatStatus) -> None:
        """The host tells of a beat's stage."""
        story = self._stories.get(status.story_id)
        if story is None or story.beats.get(status.beat_id) in (None, BeatStage.DONE):
            return
        story.beats[status.beat_id] = status.stage
        if status.stage is BeatStage.DONE:
            story.in_work -= 1
            self._in_work -= 1
