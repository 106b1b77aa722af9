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
class FrameDamaged:
    """A frame arrived whose payload does not fit its header; it has taken its credit.

    Attributes:
        header: The frame's header.
        reason: For people.
    """

    header: FrameHeader
    reason: str


Reply = StoryOpened | BeatStatus | Subscribed | Ack | Error
"""What answers a request."""

ClientEvent = ReceivedFrame | FrameDamaged | ConnectionLost | Reply | Notice | StoryClosed | ServerState
