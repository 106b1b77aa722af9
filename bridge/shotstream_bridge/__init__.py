# SPDX-License-Identifier: Apache-2.0
"""The bridge between ShotStream and the programs that direct it: protocol, client, server endpoint.

A program that sends beats and gets frames needs :class:`Client`; a host that generates them implements
:class:`StoryService` and runs a :class:`ServerEndpoint`. ``docs/protocol.md`` specifies the protocol.
"""

from shotstream_bridge.allow_list import AllowList
from shotstream_bridge.async_client import AsyncClient
from shotstream_bridge.async_handles import AsyncStoryHandle, AsyncSubscription
from shotstream_bridge.client import Client
from shotstream_bridge.endpoint import ServerEndpoint
from shotstream_bridge.errors import (
    AddressError,
    AuthenticationError,
    BacklogOverflowError,
    BridgeError,
    ConnectError,
    ErrorCode,
    FrameError,
    HandshakeRefusedError,
    InvalidMessageError,
    KeyFileError,
    NotConnectedError,
    RequestFailedError,
    RequestRejected,
    RequestTimeoutError,
    SharedMemoryError,
)
from shotstream_bridge.events import (
    ClientEvent,
    ConnectionInterrupted,
    ConnectionLost,
    ConnectionResumed,
    FrameDamaged,
    FramesMissed,
)
from shotstream_bridge.frames import Frame, ReceivedFrame
from shotstream_bridge.handles import StoryHandle, Subscription
from shotstream_bridge.heap import keep_freed_memory
from shotstream_bridge.keys import KeyPair
from shotstream_bridge.messages import (
    BeatOutcome,
    BeatStage,
    BeatStatus,
    CancelBeat,
    CloseStory,
    EndpointLimits,
    Error,
    FrameHeader,
    Notice,
    NoticeLevel,
    OpenStory,
    PixelFormat,
    PublishedMessage,
    Quotas,
    ServerInfo,
    ServerState,
    ServerStateName,
    Status,
    StoryActivity,
    StoryClosed,
    StoryEnd,
    StoryLimits,
    StoryOpened,
    StoryReport,
    SubmitBeat,
    WatchMode,
)
from shotstream_bridge.security import ClientSecurity, ServerSecurity
from shotstream_bridge.service import ServiceStatus, StoryService
from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript, StoryScript
from shotstream_bridge.version import PROTOCOL_VERSIONS, __version__

__all__ = [
    "PROTOCOL_VERSIONS",
    "AddressError",
    "AllowList",
    "AsyncClient",
    "AsyncStoryHandle",
    "AsyncSubscription",
    "AuthenticationError",
    "BacklogOverflowError",
    "BeatMode",
    "BeatOutcome",
    "BeatPolicy",
    "BeatScript",
    "BeatStage",
    "BeatStatus",
    "BridgeError",
    "CancelBeat",
    "Client",
    "ClientEvent",
    "ClientSecurity",
    "CloseStory",
    "ConnectError",
    "ConnectionInterrupted",
    "ConnectionLost",
    "ConnectionResumed",
    "EndpointLimits",
    "Error",
    "ErrorCode",
    "Frame",
    "FrameDamaged",
    "FrameError",
    "FrameHeader",
    "FramesMissed",
    "HandshakeRefusedError",
    "InvalidMessageError",
    "KeyFileError",
    "KeyPair",
    "NotConnectedError",
    "Notice",
    "NoticeLevel",
    "OpenStory",
    "PixelFormat",
    "PublishedMessage",
    "Quotas",
    "ReceivedFrame",
    "RequestFailedError",
    "RequestRejected",
    "RequestTimeoutError",
    "ServerEndpoint",
    "ServerInfo",
    "ServerSecurity",
    "ServerState",
    "ServerStateName",
    "ServiceStatus",
    "SharedMemoryError",
    "Status",
    "StoryActivity",
    "StoryClosed",
    "StoryEnd",
    "StoryHandle",
    "StoryLimits",
    "StoryOpened",
    "StoryReport",
    "StoryScript",
    "StoryService",
    "SubmitBeat",
    "Subscription",
    "WatchMode",
    "__version__",
    "keep_freed_memory",
]
