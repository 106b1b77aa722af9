# SPDX-License-Identifier: Apache-2.0
"""Messages from a client to the server, and those that go both ways."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import StrictBool, model_validator
from pydantic_core import PydanticCustomError

from shotstream_bridge.fields import (
    U32,
    U63,
    Credits,
    Features,
    Label,
    Message,
    PixelFormat,
    Quality,
    Seconds,
    Sentence,
    Versions,
    WatchMode,
)
from shotstream_bridge.story import BeatScript, CaptionText, Identifier, Seed, TitleText


class Hello(Message):
    """Opens a connection. The first message of a client, and sent once.

    Attributes:
        features: What the client knows beyond the first form of this version; None for nothing.
        resume: Whether the client was connected before and comes back for what it had.
    """

    later_fields: ClassVar[frozenset[str]] = frozenset({"features", "resume"})

    type: Literal["hello"] = "hello"
    versions: Versions
    client_id: Identifier
    product: Label
    heartbeat_s: Seconds = 1.0
    timeout_s: Seconds = 10.0
    features: Features | None = None
    resume: StrictBool | None = None


class OpenStory(Message):
    """Opens a story under an identifier the client chose."""

    type: Literal["open_story"] = "open_story"
    request: U32
    story_id: Identifier
    title: TitleText | None = None
    global_caption: CaptionText
    seed: Seed


class SubmitBeat(Message):
    """Sends a beat; answered by ``beat_status`` accepted or rejected."""

    type: Literal["submit_beat"] = "submit_beat"
    request: U32
    story_id: Identifier
    beat: BeatScript

    @property
    def beat_id(self) -> str:
        """The beat's identifier, which a message always carries."""
        assert self.beat.id is not None  # noqa: S101 - established by _check_beat_id
        return self.beat.id

    @model_validator(mode="after")
    def _check_beat_id(self) -> Self:
        if self.beat.id is None:
            raise PydanticCustomError(
                "beat_id_missing", "beat.id is missing; name the beat", {"field": "beat.id"}
            )
        return self


class CancelBeat(Message):
    """Takes a waiting beat back, or ends a running one at the next chunk boundary."""

    type: Literal["cancel_beat"] = "cancel_beat"
    request: U32
    story_id: Identifier
    beat_id: Identifier


class CloseStory(Message):
    """Ends a story: after what is queued (``drain``), or at the next chunk boundary."""

    type: Literal["close_story"] = "close_story"
    request: U32
    story_id: Identifier
    drain: StrictBool


class Subscribe(Message):
    """Asks for a story's frames, from the next one on, under a number the client chose.

    Attributes:
        from_frame: Begin with this frame, or with the oldest one after it that the server still has.
        memory: Whether the payloads go through shared memory instead of the connection.
    """

    later_fields: ClassVar[frozenset[str]] = frozenset({"from_frame", "memory"})

    type: Literal["subscribe"] = "subscribe"
    request: U32
    subscription: U32
    story_id: Identifier
    mode: WatchMode
    credits: Credits
    format: PixelFormat
    quality: Quality | None = None
    checksum: StrictBool = True
    from_frame: U63 | None = None
    memory: StrictBool | None = None

    @model_validator(mode="after")
    def _check_memory(self) -> Self:
        if self.memory and self.format not in (PixelFormat.RGB8, PixelFormat.BGRA8):
            raise PydanticCustomError(
                "memory_without_raw",
                "memory is true but format is {format}; use rgb8 or bgra8, or leave it out",
                {"format": self.format.value, "field": "memory"},
            )
        return self

    @model_validator(mode="after")
    def _check_from_frame(self) -> Self:
        if self.from_frame is not None and self.mode is not WatchMode.EVERY:
            raise PydanticCustomError(
                "from_frame_without_every",
                "from_frame is {frame} but mode is {mode}; leave it out, only every begins at a frame",
                {"frame": self.from_frame, "mode": self.mode.value, "field": "from_frame"},
            )
        return self

    @model_validator(mode="after")
    def _check_quality(self) -> Self:
        if self.quality is not None and self.format not in (PixelFormat.JPEG, PixelFormat.WEBP):
            raise PydanticCustomError(
                "quality_without_jpeg",
                "quality is set but format is {format}; leave it out, only jpeg and webp have it",
                {"format": self.format.value, "field": "quality"},
            )
        return self


class ResumeStory(Message):
    """Asks how a story stands, after a lost connection; answered by ``story_resumed``."""

    type: Literal["resume_story"] = "resume_story"
    request: U32
    story_id: Identifier


class GetStatus(Message):
    """Asks how the server and the stories stand; answered by ``status``."""

    type: Literal["get_status"] = "get_status"
    request: U32


class MemoryOpened(Message):
    """Says whether the shared memory of a subscription could be opened; its frames wait for that.

    If it could not, they come over the connection. Not answered.
    """

    type: Literal["memory_opened"] = "memory_opened"
    subscription: U32
    opened: StrictBool


class GrantCredits(Message):
    """Allows further frames on a subscription. Not answered."""

    type: Literal["grant_credits"] = "grant_credits"
    subscription: U32
    credits: Credits


class Unsubscribe(Message):
    """Ends a subscription; no frame of it follows the acknowledgement."""

    type: Literal["unsubscribe"] = "unsubscribe"
    request: U32
    subscription: U32


class Heartbeat(Message):
    """Says that the sender lives, when it has nothing else to say."""

    type: Literal["heartbeat"] = "heartbeat"


class Goodbye(Message):
    """Ends the connection in good order; the last message of its sender.

    Attributes:
        resume: From a server: whether it keeps the client's place for a while.
    """

    later_fields: ClassVar[frozenset[str]] = frozenset({"resume"})

    type: Literal["goodbye"] = "goodbye"
    reason: Sentence | None = None
    resume: StrictBool | None = None
