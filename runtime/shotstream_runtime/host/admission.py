# SPDX-License-Identifier: Apache-2.0
"""Whether there is room for one more story, and for one more beat: asked before either is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from shotstream_bridge.errors import ErrorCode, RequestRejected

from shotstream_runtime.engines import Engine
from shotstream_runtime.streaming.footprint import Footprint, StoryDimensions
from shotstream_runtime.weights.load import LoadedModel

from .admission_limits import AdmissionLimits
from .free_memory import free_memory
from .hosted_story import BeatRecord, HostedStory

_GB = 1e9


class Admission:
    """Weighs what is asked against what there is.

    A story is charged all that it may come to hold from the moment it is accepted, whether it has taken it
    yet or not: of two that are opened at once only one gets the last room.

    Args:
        cost: What one story may come to hold.
        free: Tells what memory is free now.
        chunks_per_shot: Chunks of a beat that does not say.
        limits: How much is taken on.
    """

    def __init__(
        self,
        cost: Footprint,
        free: Callable[[], Footprint],
        chunks_per_shot: int,
        limits: AdmissionLimits | None = None,
    ) -> None:
        self._cost = cost
        self._free = free
        self._chunks_per_shot = chunks_per_shot
        self._limits = limits or AdmissionLimits()

    @classmethod
    def to(cls, model: LoadedModel, engine: Engine, limits: AdmissionLimits | None = None) -> Admission:
        """Admission to a host that generates with a model on an engine."""
        device = model.student.device
        chunks = model.profile.latent_frames_per_shot // model.profile.frames_per_chunk
        cost = _as_seen_from(device, StoryDimensions.of(model, engine).total)

        def free() -> Footprint:
            # The next story takes over what the engine has kept of the last one.
            return free_memory(device) + _as_seen_from(device, Footprint(device=engine.idle_bytes))

        return cls(cost, free, chunks, limits)

    def check_story(self, open_stories: Iterable[HostedStory]) -> None:
        """Refuses a story for which there is no room.

        Args:
            open_stories: Those that are open.

        Raises:
            RequestRejected: ``too_many_stories``, or ``busy``; trying again later may help.
        """
        stories = list(open_stories)
        if len(stories) >= self._limits.stories:
            raise RequestRejected(
                ErrorCode.TOO_MANY_STORIES,
                f"{len(stories)} stories are open on this server, which takes {self._limits.stories} "
                "(--max-stories); try again when one has closed",
                field="story_id",
            )
        queued = self._queued(stories)
        if queued >= self._limits.queued_chunks:
            raise RequestRejected(
                ErrorCode.BUSY,
                f"{queued} chunks wait to be generated on this server; {self._limits.queued_chunks} are "
                "taken (--max-queued-chunks): try again when some are done",
            )
        promised = sum((self._cost.beyond(self._held(story)) for story in stories), Footprint())
        free, limits = self._free(), self._limits
        for where, need, there, owed, reserve, flag in (
            (
                "the device",
                self._cost.device,
                free.device,
                promised.device,
                limits.device_reserve_bytes,
                "--device-reserve-gb",
            ),
            ("main memory", self._cost.host, free.host, promised.host, limits.reserve_bytes, "--reserve-gb"),
        ):
            if need and need + owed + reserve > there:
                raise RequestRejected(
                    ErrorCode.BUSY,
                    f"one more story takes {_size(need)} of {where}; {_size(there)} are free, of which "
                    f"{_size(owed)} are promised to the {len(stories)} open stories and {_size(reserve)} "
                    f"stay in reserve ({flag}): close a story, try again when one has closed, or give the "
                    "server more memory",
                )

    def check_beat(self, open_stories: Iterable[HostedStory], story: HostedStory, record: BeatRecord) -> None:
        """Refuses a beat that would make the queue too long.

        Args:
            open_stories: Those that are open.
            story: Its story.
            record: The beat, which is in its story already.

        Raises:
            RequestRejected: ``queue_full``; trying again later may help.
        """
        asked = record.queued_chunks(self._chunks_per_shot)
        dropped = sum(other.queued_chunks(self._chunks_per_shot) for other in story.dropped_by(record))
        queued = self._queued(open_stories) - asked - dropped
        if queued + asked > self._limits.queued_chunks:
            raise RequestRejected(
                ErrorCode.QUEUE_FULL,
                f"{queued} chunks wait to be generated on this server, and this beat asks for {asked}; "
                f"{self._limits.queued_chunks} are taken (--max-queued-chunks): wait for beats to be done, "
                "or ask for fewer chunks",
                field="beat",
            )

    def _queued(self, stories: Iterable[HostedStory]) -> int:
        return sum(story.queued_chunks(self._chunks_per_shot) for story in stories)

    def _held(self, story: HostedStory) -> Footprint:
        # Where the device has no memory of its own, a story's cost is all the host's; so is what it holds.
        return story.held if self._cost.device else Footprint(host=story.held.device + story.held.host)


def _as_seen_from(device: torch.device, cost: Footprint) -> Footprint:
    return cost if device.type == "cuda" else Footprint(host=cost.device + cost.host)


def _size(count: int) -> str:
    return f"{count / _GB:.1f} GB" if count >= _GB else f"{count / 1e6:.0f} MB"
