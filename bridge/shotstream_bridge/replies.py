# SPDX-License-Identifier: Apache-2.0
"""Messages from the server to a client."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from shotstream_bridge.fields import (
    U16,
    U32,
    U63,
    BeatOutcome,
    BeatStage,
    Code,
    EndpointLimits,
    Features,
    Fraction,
    Label,
    MemoryOffer,
    Message,
    NoticeLevel,
    PixelFormat,
    Quotas,
    Seconds,
    Sentence,
    ServerInfo,
    ServerStateName,
    StoryEnd,
    StoryReport,
    Versions,
)
from shotstream_bridge.story import Identifier, Seed


class Welcome(Message):
    """Accepts a connection and settles its version and heartbeat.

    Attributes:
        features: Those of the client's features that the server knows too; None if it listed none.
        quotas: As ``features``, None if the client listed none.
    """

    later_fields: ClassVar[frozenset[str]] = frozenset({"features", "quotas"})

    type: Literal["welcome"] = "welcome"
    version: U16
    client_id: Identifier
    heartbeat_s: Seconds
    timeout_s: Seconds
    server: ServerInfo
    limits: EndpointLimits
    features: Features | None = None
    quotas: Quotas | None = None


class Refused(Message):
    """Refuses a connection; the server forgets the peer."""

    type: Literal["refused"] = "refused"
    code: Code
    reason: Sentence
    retryable: StrictBool
    server_versions: Versions
    client_versions: tuple[U16, ...]


class ServerState(Message):
    """The server's state changed, or its loading went on."""

    type: Literal["server_state"] = "server_state"
    state: ServerStateName
    detail: Sentence | None = None
    progress: Fraction | None = None


class StoryOpened(Message):
    """Answers ``open_story``."""

    type: Literal["story_opened"] = "story_opened"
    request: U32
    story_id: Identifier
    width: U16
    height: U16
    fps: Seconds
    chunks_per_shot: U16


class BeatStatus(Message):
    """A stage of a beat.

    Attributes:
        request: The ``submit_beat`` it answers: stages ``accepted`` and ``rejected`` to the sender only.
        shot: From ``scheduled`` on: the shot, counted from 0 in the story.
        first_frame: From ``scheduled`` on: index in the story of the beat's first frame.
        outcome: ``done`` only.
        frames: ``done`` only: how many frames the beat became.
        code: ``rejected``, and ``done`` with outcome ``failed``.
    """

    type: Literal["beat_status"] = "beat_status"
    request: U32 | None = None
    story_id: Identifier
    beat_id: Identifier
    stage: BeatStage
    shot: U32 | None = None
    first_frame: U63 | None = None
    outcome: BeatOutcome | None = None
    frames: U63 | None = None
    code: Code | None = None
    field: Label | None = None
    reason: Sentence | None = None
    retryable: StrictBool | None = None

    @model_validator(mode="after")
    def _check_stage(self) -> Self:
        needed = {
            BeatStage.ACCEPTED: (),
            BeatStage.SCHEDULED: ("shot", "first_frame"),
            BeatStage.FIRST_FRAME: ("shot", "first_frame"),
            BeatStage.DONE: ("outcome", "frames"),
            BeatStage.REJECTED: ("code", "reason", "retryable"),
        }[self.stage]
        for name in needed:
            if getattr(self, name) is None:
                raise PydanticCustomError(
                    "stage_incomplete",
                    "{name} is missing; stage {stage} carries it",
                    {"name": name, "stage": self.stage.value, "field": name},
                )
        return self


class Notice(Message):
    """Something people should know: a caption outside the model's world, a slow disk.

    ``story_id`` is absent when it concerns the server as a whole.
    """

    type: Literal["notice"] = "notice"
    story_id: Identifier | None = None
    beat_id: Identifier | None = None
    level: NoticeLevel = NoticeLevel.INFO
    code: Code
    text: Sentence


class StoryClosed(Message):
    """A story ended; the last message about it, sent after the last of its frames."""

    type: Literal["story_closed"] = "story_closed"
    story_id: Identifier
    end: StoryEnd
    shots: U32
    frames: U63
    reason: Sentence | None = None


class Subscribed(Message):
    """Answers ``subscribe``.

    Attributes:
        first_frame: The first frame that it will get.
        memory: The shared memory, if it was asked for; the client answers with ``memory_opened``.
    """

    later_fields: ClassVar[frozenset[str]] = frozenset({"first_frame", "memory"})

    type: Literal["subscribed"] = "subscribed"
    request: U32
    subscription: U32
    story_id: Identifier
    first_frame: U63 | None = None
    memory: MemoryOffer | None = None


class StoryResumed(Message):
    """Answers ``resume_story``; the latest stage of each beat follows, and ``story_closed`` if it ended.

    Attributes:
        first_kept: The oldest frame that a subscription can begin with; None for none.
        next_frame: The number of the story's next frame.
    """

    type: Literal["story_resumed"] = "story_resumed"
    request: U32
    story_id: Identifier
    width: U16
    height: U16
    fps: Seconds
    chunks_per_shot: U16
    first_kept: U63 | None
    next_frame: U63


class Status(Message):
    """Answers ``get_status``.

    Attributes:
        uptime_s: Since the server began to listen.
        frames_per_s: Frames generated a second, over the last seconds and all stories.
        memory_bytes: Memory that the server's process holds; None where the system does not tell.
        gpu_bytes: Memory that it has allocated on its GPU; None without one.
        clients: Clients connected or kept a place.
        watchers: Subscriptions, over all stories.
        open_stories: Stories that are open, whoever may see them.
        all_seen: Whether ``stories`` has all of them.
        stories: Those that the client may see.
    """

    type: Literal["status"] = "status"
    request: U32
    state: ServerStateName
    detail: Sentence | None = None
    uptime_s: Seconds
    frames_per_s: Seconds
    memory_bytes: U63 | None = None
    gpu_bytes: U63 | None = None
    clients: U32
    watchers: U32
    open_stories: U32
    all_seen: StrictBool
    stories: Annotated[tuple[StoryReport, ...], Field(max_length=128)]


class FrameHeader(Message):
    """Describes a frame, whose pixels are the message's second part, or a slot of shared memory.

    Attributes:
        subscription: Which subscription it answers; it takes one of its credits.
        skipped: Frames left out since the subscription's previous one (``latest`` only).
        story_id: The story.
        shot: The shot, counted from 0.
        index: The frame's number in the story, from 0.
        index_in_shot: The frame's number in its shot, from 0.
        chunk: The chunk in its shot, from 0.
        pts_s: Time in the story, seconds.
        beat_id: The beat that was in force.
        seed: The story's seed.
        created_ns: When generated: the server's monotonic clock, for clients on the same host.
        width: Pixels.
        height: Pixels.
        format: Layout of the payload.
        checksum: Of the payload, see :func:`shotstream_bridge.checksum.fold_crc32`; absent if the
            subscription does without.
        slot: Where the pixels are in the subscription's shared memory; None: in the second part.
    """

    later_fields: ClassVar[frozenset[str]] = frozenset({"slot"})

    type: Literal["frame"] = "frame"
    subscription: U32
    skipped: U63
    story_id: Identifier
    shot: U32
    index: U63
    index_in_shot: U32
    chunk: U32
    pts_s: Seconds
    beat_id: Identifier
    seed: Seed
    created_ns: U63
    width: U16
    height: U16
    format: PixelFormat
    checksum: U32 | None
    slot: U32 | None = None


class Ack(Message):
    """Answers ``cancel_beat``, ``close_story`` and ``unsubscribe``."""

    type: Literal["ack"] = "ack"
    request: U32


class Error(Message):
    """A message was refused.

    ``request``, ``story_id`` and ``beat_id`` are those of the refused message, where they could be read.
    """

    type: Literal["error"] = "error"
    request: U32 | None = None
    code: Code
    field: Label | None = None
    reason: Sentence
    retryable: StrictBool
    story_id: Identifier | None = None
    beat_id: Identifier | None = None
