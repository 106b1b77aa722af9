# SPDX-License-Identifier: Apache-2.0
"""Error codes of the protocol and the exceptions of the bridge.

A code is the machine-readable half of every refusal; ``retryable`` says whether the same request may succeed
later without being changed. ``docs/protocol.md`` lists the codes and changes in the same commit as this file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """Why something was refused. Values are what stands on the wire."""

    # The bytes or the message itself.
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    INVALID_VALUE = "invalid_value"
    UNEXPECTED_MESSAGE = "unexpected_message"
    # The connection.
    HELLO_REQUIRED = "hello_required"
    VERSION_UNSUPPORTED = "version_unsupported"
    TOO_MANY_CLIENTS = "too_many_clients"
    CLIENT_ID_TAKEN = "client_id_taken"
    RATE_LIMITED = "rate_limited"
    # Stories and beats.
    NOT_READY = "not_ready"
    STOPPING = "stopping"
    BUSY = "busy"
    UNKNOWN_STORY = "unknown_story"
    STORY_EXISTS = "story_exists"
    STORY_CLOSED = "story_closed"
    NOT_OWNER = "not_owner"
    UNKNOWN_BEAT = "unknown_beat"
    BEAT_EXISTS = "beat_exists"
    NO_SHOT_TO_CONTINUE = "no_shot_to_continue"
    QUEUE_FULL = "queue_full"
    TOO_MANY_BEATS = "too_many_beats"
    TOO_MANY_STORIES = "too_many_stories"
    # Subscriptions.
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    SUBSCRIPTION_EXISTS = "subscription_exists"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    TOO_MANY_CREDITS = "too_many_credits"
    UNSUPPORTED_FORMAT = "unsupported_format"
    # The server's own trouble.
    OUT_OF_MEMORY = "out_of_memory"
    INTERNAL = "internal"

    @property
    def retryable(self) -> bool:
        """Whether the unchanged request may succeed later (the default; a server may say otherwise)."""
        return self in RETRYABLE_CODES


RETRYABLE_CODES: Final = frozenset(
    {
        ErrorCode.TOO_MANY_CLIENTS,
        ErrorCode.RATE_LIMITED,
        ErrorCode.NOT_READY,
        ErrorCode.STOPPING,
        ErrorCode.BUSY,
        ErrorCode.QUEUE_FULL,
        ErrorCode.TOO_MANY_STORIES,
        ErrorCode.OUT_OF_MEMORY,
    }
)


class BridgeError(Exception):
    """Base of every exception raised by this package."""


class RequestRejected(BridgeError):
    """A request is refused; becomes an ``error`` message, or a beat's ``rejected`` stage.

    A :class:`~shotstream_bridge.service.StoryService` raises it. The reason is read by people: name the
    value and the fix.

    Args:
        code: One of :class:`ErrorCode`.
        reason: Human-readable sentence.
        field: Dotted path of the field at fault (``"beat.text"``), if one is.
        retryable: Overrides the code's default.
    """

    def __init__(
        self, code: ErrorCode, reason: str, *, field: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(f"{code.value}: {reason}")
        self.code = code
        self.field = field
        self.reason = reason
        self.retryable = code.retryable if retryable is None else retryable


class InvalidMessageError(BridgeError):
    """Bytes or a mapping that are no valid message of the protocol.

    Args:
        code: One of the message codes of :class:`ErrorCode`.
        reason: Human-readable sentence.
        field: Dotted path of the field at fault, if one is.
        request: The message's request number, where it could be read.
        story_id: The story it names, where it could be read.
        beat_id: The beat it names, where it could be read.
    """

    def __init__(
        self,
        code: ErrorCode,
        reason: str,
        *,
        field: str | None = None,
        request: int | None = None,
        story_id: str | None = None,
        beat_id: str | None = None,
    ) -> None:
        super().__init__(f"{code.value}: {reason}")
        self.code = code
        self.field = field
        self.reason = reason
        self.request = request
        self.story_id = story_id
        self.beat_id = beat_id


class FrameError(BridgeError):
    """A frame's header and payload contradict each other, or its checksum is wrong."""


class AddressError(BridgeError):
    """The server cannot listen at the address asked for."""


class KeyFileError(BridgeError):
    """A key or an allow-list cannot be read, written or used."""


class SharedMemoryError(BridgeError):
    """Shared memory cannot be made, or is not the server's."""


class BacklogOverflowError(BridgeError):
    """Frames were published although :meth:`ServerEndpoint.wants_frames` said to wait, past the reserve."""


class ConnectError(BridgeError):
    """A client could not connect: nobody answered, or the answer was not the protocol."""


class AuthenticationError(ConnectError):
    """The connection failed over keys: the server's or the client's is missing, wrong or not allowed."""


class HandshakeRefusedError(ConnectError):
    """The server answered the handshake with a refusal.

    Args:
        code: The server's code.
        reason: The server's sentence.
        server_versions: Protocol versions which the server speaks.
        client_versions: Protocol versions which the client offered.
        retryable: Whether trying again later may help.
    """

    def __init__(
        self,
        code: str,
        reason: str,
        *,
        server_versions: tuple[int, ...],
        client_versions: tuple[int, ...],
        retryable: bool,
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.server_versions = server_versions
        self.client_versions = client_versions
        self.retryable = retryable


class NotConnectedError(BridgeError):
    """The client was closed or has lost its connection."""


class RequestFailedError(BridgeError):
    """The server refused a request of this client.

    Args:
        code: The server's code.
        reason: The server's sentence.
        field: The field at fault, if one is.
        retryable: Whether the unchanged request may succeed later.
    """

    def __init__(self, code: str, reason: str, *, field: str | None, retryable: bool) -> None:
        at = f" (field {field})" if field else ""
        super().__init__(f"{code}{at}: {reason}")
        self.code = code
        self.reason = reason
        self.field = field
        self.retryable = retryable


class RequestTimeoutError(BridgeError):
    """The server did not answer a request in time; the connection itself may still be alive."""
