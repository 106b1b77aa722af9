# SPDX-License-Identifier: Apache-2.0
"""Every message of the protocol, as one discriminated union for each direction.

Field order in the classes is the order on the wire and ``type`` always comes first; ``docs/protocol.md``
specifies each message and ``docs/protocol_vectors.json`` holds its bytes. All change in the same commit.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from shotstream_bridge.fields import (
    BeatOutcome,
    BeatStage,
    EndpointLimits,
    MemoryOffer,
    Message,
    NoticeLevel,
    PixelFormat,
    Quotas,
    ServerInfo,
    ServerStateName,
    StoryActivity,
    StoryEnd,
    StoryLimits,
    StoryReport,
    WatchMode,
)
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    FrameHeader,
    Notice,
    Refused,
    ServerState,
    Status,
    StoryClosed,
    StoryOpened,
    StoryResumed,
    Subscribed,
    Welcome,
)
from shotstream_bridge.requests import (
    CancelBeat,
    CloseStory,
    GetStatus,
    Goodbye,
    GrantCredits,
    Heartbeat,
    Hello,
    MemoryOpened,
    OpenStory,
    ResumeStory,
    SubmitBeat,
    Subscribe,
    Unsubscribe,
)

ClientMessage = (
    Hello
    | OpenStory
    | SubmitBeat
    | CancelBeat
    | CloseStory
    | Subscribe
    | ResumeStory
    | GetStatus
    | MemoryOpened
    | GrantCredits
    | Unsubscribe
    | Heartbeat
    | Goodbye
)
ServerMessage = (
    Welcome
    | Refused
    | ServerState
    | StoryOpened
    | StoryResumed
    | Status
    | BeatStatus
    | Notice
    | StoryClosed
    | Subscribed
    | FrameHeader
    | Ack
    | Error
    | Heartbeat
    | Goodbye
)
PublishedMessage = ServerState | BeatStatus | Notice | StoryClosed
"""What a host publishes by itself; the rest answers a request."""

CLIENT_MESSAGES: TypeAdapter[ClientMessage] = TypeAdapter(
    Annotated[ClientMessage, Field(discriminator="type")]
)
SERVER_MESSAGES: TypeAdapter[ServerMessage] = TypeAdapter(
    Annotated[ServerMessage, Field(discriminator="type")]
)

__all__ = [
    "CLIENT_MESSAGES",
    "SERVER_MESSAGES",
    "Ack",
    "BeatOutcome",
    "BeatStage",
    "BeatStatus",
    "CancelBeat",
    "ClientMessage",
    "CloseStory",
    "EndpointLimits",
    "Error",
    "FrameHeader",
    "GetStatus",
    "Goodbye",
    "GrantCredits",
    "Heartbeat",
    "Hello",
    "MemoryOffer",
    "MemoryOpened",
    "Message",
    "Notice",
    "NoticeLevel",
    "OpenStory",
    "PixelFormat",
    "PublishedMessage",
    "Quotas",
    "Refused",
    "ResumeStory",
    "ServerInfo",
    "ServerMessage",
    "ServerState",
    "ServerStateName",
    "Status",
    "StoryActivity",
    "StoryClosed",
    "StoryEnd",
    "StoryLimits",
    "StoryOpened",
    "StoryReport",
    "StoryResumed",
    "SubmitBeat",
    "Subscribe",
    "Subscribed",
    "Unsubscribe",
    "WatchMode",
    "Welcome",
]
