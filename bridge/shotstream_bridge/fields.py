# SPDX-License-Identifier: Apache-2.0
"""What messages are made of: field types with ranges, enumerations, what a server tells of itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_serializer,
)

from shotstream_bridge.story import Identifier

U16 = Annotated[StrictInt, Field(ge=0, le=2**16 - 1)]
U32 = Annotated[StrictInt, Field(ge=0, le=2**32 - 1)]
U63 = Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]
Credits = Annotated[StrictInt, Field(ge=1, le=2**16 - 1)]
Quality = Annotated[StrictInt, Field(ge=1, le=100)]
Seconds = Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[StrictFloat, Field(ge=0, le=1, allow_inf_nan=False)]
Label = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Sentence = Annotated[StrictStr, Field(max_length=4_000)]
Code = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Versions = Annotated[tuple[U16, ...], Field(min_length=1, max_length=32)]
Features = Annotated[tuple[Code, ...], Field(max_length=32)]
Rate = Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)]


class ServerStateName(StrEnum):
    """What the server is able to do."""

    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"


class BeatStage(StrEnum):
    """The stages at which a beat is acknowledged; ``docs/protocol.md`` has the transition table."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    FIRST_FRAME = "first_frame"
    DONE = "done"
    REJECTED = "rejected"


class BeatOutcome(StrEnum):
    """How a beat ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    FAILED = "failed"


class StoryEnd(StrEnum):
    """Why a story closed."""

    DRAINED = "drained"
    STOPPED = "stopped"
    FAILED = "failed"
    SERVER_STOPPING = "server_stopping"


class WatchMode(StrEnum):
    """Whether a subscription gets every frame or the newest."""

    EVERY = "every"
    LATEST = "latest"


class PixelFormat(StrEnum):
    """How a frame's pixels are laid out in the payload."""

    RGB8 = "rgb8"
    BGRA8 = "bgra8"
    JPEG = "jpeg"
    WEBP = "webp"
    PNG = "png"


class StoryActivity(StrEnum):
    """What an open story is doing."""

    PREPARING = "preparing"
    IDLE = "idle"
    RUNNING = "running"
    WAITING_FOR_WATCHERS = "waiting_for_watchers"
    WAITING_FOR_DISK = "waiting_for_disk"
    ENDING = "ending"


class NoticeLevel(StrEnum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Message(BaseModel):
    """Base of all messages: immutable, and without room for fields the protocol does not have.

    Attributes:
        later_fields: Fields that joined the message within a version of the protocol. They are written only
            if they have a value, so that a peer which does not know them never sees them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    later_fields: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _leave_later_fields_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        for name in self.later_fields:
            if fields.get(name) is None:
                fields.pop(name, None)
        return fields


class StoryLimits(Message):
    """What a service allows, told in the handshake so that a client can check before it sends.

    Attributes:
        beat_chars: Characters in a beat's text.
        chunks_per_beat: Chunks one beat may ask for.
        beats_waiting: Beats that may wait in one story.
        stories_per_client: Open stories of one client.
    """

    beat_chars: U32 = 2_000
    chunks_per_beat: U32 = 200
    beats_waiting: U32 = 100
    stories_per_client: U32 = 8


class ServerInfo(Message):
    """What a service tells about itself and its model.

    Attributes:
        product: Product and version, ``shotstream/0.1.0``.
        model: Name of the model.
        weights_hash: Tells two sets of weights under one name apart.
        width: Pixels.
        height: Pixels.
        fps: Frames per second of the pictures' own time.
        frames_per_chunk: Pixel frames of a chunk.
        frames_in_first_chunk: Pixel frames of a shot's first chunk.
        chunks_per_shot: Chunks of a shot whose beat does not say.
        state: ``loading``, ``ready`` or ``stopping``.
        detail: What it is doing, for people.
        limits: What the service allows.
    """

    product: Label
    model: Label
    weights_hash: Label | None = None
    width: U16
    height: U16
    fps: Seconds
    frames_per_chunk: U16
    frames_in_first_chunk: U16
    chunks_per_shot: U16
    state: ServerStateName
    detail: Sentence | None = None
    limits: StoryLimits = StoryLimits()


class EndpointLimits(Message):
    """What the endpoint allows on each connection, told in the handshake.

    Attributes:
        header_bytes: Largest header part.
        message_bytes: Largest sum of a message's parts from a client; beyond it the connection is cut.
        credits: Largest number of credits that a subscription may hold.
        backlog_frames: Frames that wait for an ``every`` subscription before generation waits.
        clients: Connected clients.
        subscriptions_per_client: Subscriptions of one client.
        outbox_messages: Control messages that wait for one client before it is dropped.
    """

    header_bytes: U32 = 64 * 1024
    message_bytes: U32 = 1024 * 1024
    credits: Credits = 256
    backlog_frames: Annotated[StrictInt, Field(ge=1, le=2**16 - 1)] = 48
    clients: U32 = 128
    subscriptions_per_client: U32 = 64
    outbox_messages: U32 = 4096


class MemoryOffer(Message):
    """Shared memory for the frames of one subscription; see ``shared_ring`` for its layout.

    Attributes:
        name: Its name in this user's folder for shared memory.
        token: What stands in it, as hexadecimal, so that it is known to be the server's.
        slots: Frames in it at most.
        slot_bytes: Largest payload.
    """

    name: Annotated[StrictStr, Field(pattern=r"^ring-[0-9]{1,10}-[0-9a-f]{32}$")]
    token: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{32}$")]
    slots: Annotated[StrictInt, Field(ge=1, le=2**16 - 1)]
    slot_bytes: Annotated[StrictInt, Field(ge=1, le=2**32 - 1)]


class Quotas(Message):
    """What the endpoint allows in all, told in the handshake to a client that lists features.

    Attributes:
        beats_per_story: Beats one story may have from its opening to its end.
        beats_in_work: Beats accepted and not done, over all stories of the server.
        messages_per_s: Messages a second of one client; four times as many may come at once.
        connections_per_s: Connection attempts a second of one address; four times as many may come at once.
        clients_per_key: Connected clients with the same key, where the server demands keys.
        resume_s: Seconds that the server keeps a client's place after its connection was lost.
        kept_bytes: Bytes of frames that are kept, over all stories, for clients that come back.
        memory_bytes: Bytes of shared memory, over all subscriptions.
    """

    beats_per_story: U32 = 10_000
    beats_in_work: U32 = 1_000
    messages_per_s: Rate = 5_000.0
    connections_per_s: Rate = 100.0
    clients_per_key: U32 = 32
    resume_s: Seconds = 30.0
    kept_bytes: U63 = 256 * 1024 * 1024
    memory_bytes: U63 = 1024 * 1024 * 1024


class StoryReport(Message):
    """How an open story stands, in ``status``. Nothing that people wrote is in it.

    Attributes:
        story_id: The story.
        client_id: Its owner.
        activity: What it is doing.
        shot: The running shot, counted from 0; None before the first.
        chunk: The newest chunk in that shot, counted from 0; None before the first.
        frames: Frames generated.
        frames_per_s: The same a second, over the last seconds.
        beats_waiting: Beats accepted that have not begun.
        journal_chunks: Chunks that wait to be on disk; None without a journal.
        watchers: Subscriptions.
        lag_frames: Frames that wait for the slowest of them.
    """

    story_id: Identifier
    client_id: Identifier
    activity: StoryActivity
    shot: U32 | None = None
    chunk: U32 | None = None
    frames: U63 = 0
    frames_per_s: Seconds = 0.0
    beats_waiting: U32 = 0
    journal_chunks: U32 | None = None
    watchers: U32 = 0
    lag_frames: U32 = 0
