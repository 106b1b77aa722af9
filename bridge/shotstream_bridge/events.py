# SPDX-License-Identifier: Apache-2.0
"""What a client hands to its application."""

from __future__ import annotations

from dataclasses import dataclass

from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.replies import (
    Ack,
    BeatStatus,
    Error,
    FrameHeader,
    Notice,
    ServerState,
    Status,
    StoryClosed,
    StoryOpened,
    Subscribed,
)


@dataclass(frozen=True)
class ConnectionLost:
    """The connection is over; the last event of a client.

    Attributes:
        reason: For people.
        by_server: Whether the server said so itself (it stops, or dropped this client).
    """

    reason: str
    by_server: bool = False


@dataclass(frozen=True)
class ConnectionInterrupted:
    """The connection is lost and is being restored; requests are kept until it is.

    Attributes:
        reason: For people.
    """

    reason: str


@dataclass(frozen=True)
class ConnectionResumed:
    """The connection stands again; what happened meanwhile follows."""


@dataclass(frozen=True)
class FramesMissed:
    """Frames of a lossless subscription that the server no longer had: damaged, or gone meanwhile.

    Attributes:
        subscription: The subscription's number.
        story_id: The story.
        first: Number of the first of them.
        count: How many.
    """

    subscription: int
    story_id: str
    first: int
    count: int


@dataclass(frozen=True)
class FrameDamaged:
    """A frame arrived whose payload does not fit its header; it has taken its credit.

    Attributes:
        header: The frame's header.
        reason: For people.
    """

    header: FrameHeader
    reason: str


Reply = StoryOpened | BeatStatus | Subscribed | Status | Ack | Error
"""What answers a request."""

ClientEvent = (
    ReceivedFrame
    | FrameDamaged
    | FramesMissed
    | ConnectionInterrupted
    | ConnectionResumed
    | ConnectionLost
    | Reply
    | Notice
    | StoryClosed
    | ServerState
)
