# SPDX-License-Identifier: Apache-2.0
"""Writes docs/protocol_vectors.json; run it after every change of the protocol and read the difference.

python tests/bridge/make_protocol_vectors.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from shotstream_bridge import messages as m
from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.codec import encode
from shotstream_bridge.fields import Message
from shotstream_bridge.story import BeatMode, BeatPolicy, BeatScript
from shotstream_bridge.version import PROTOCOL_VERSIONS

FILE = Path(__file__).parents[2] / "docs" / "protocol_vectors.json"

BEAT = {"id": "b1", "text": "A fox runs.", "mode": "cut", "policy": None, "chunks": None}
SUBMIT = {"type": "submit_beat", "request": 4, "story_id": "s1", "beat": BEAT}
SUBSCRIBE = {
    "type": "subscribe",
    "request": 5,
    "subscription": 0,
    "story_id": "s1",
    "mode": "every",
    "credits": 16,
    "format": "rgb8",
}
HELLO = {"type": "hello", "versions": [1], "client_id": "c2", "product": "p/1"}


def server_info() -> m.ServerInfo:
    return m.ServerInfo(
        product="shotstream/0.1.0",
        model="mini",
        width=128,
        height=80,
        fps=16.0,
        frames_per_chunk=12,
        frames_in_first_chunk=9,
        chunks_per_shot=7,
        state=m.ServerStateName.LOADING,
        detail="reading weights",
    )


CLIENT: dict[str, Message] = {
    "hello": m.Hello(versions=(1,), client_id="unreal-01", product="shotstream-unreal/0.1.0"),
    "hello, several versions, own heartbeat": m.Hello(
        versions=(1, 2, 300), client_id="c", product="p", heartbeat_s=0.5, timeout_s=2.0
    ),
    "open_story": m.OpenStory(
        request=1, story_id="s1", title="Dusk", global_caption="A red fox in snow, pencil drawing.", seed=7
    ),
    "open_story, no title, empty caption, largest seed": m.OpenStory(
        request=2**32 - 1, story_id="S.1_a-b", global_caption="", seed=2**63 - 1
    ),
    "submit_beat, cut": m.SubmitBeat(request=2, story_id="s1", beat=BeatScript(id="b1", text="A fox runs.")),
    "submit_beat, continue with everything": m.SubmitBeat(
        request=3,
        story_id="s1",
        beat=BeatScript(
            id="b2",
            text="Er hält an. 狐が止まる。🦊",
            mode=BeatMode.CONTINUE,
            policy=BeatPolicy.QUEUE,
            chunks=4,
        ),
    ),
    "submit_beat, longest text": m.SubmitBeat(
        request=4, story_id="s1", beat=BeatScript(id="b3", text="x" * 2000, policy=BeatPolicy.REPLACE)
    ),
    "cancel_beat": m.CancelBeat(request=5, story_id="s1", beat_id="b2"),
    "close_story": m.CloseStory(request=6, story_id="s1", drain=True),
    "subscribe": m.Subscribe(
        request=7,
        subscription=0,
        story_id="s1",
        mode=m.WatchMode.EVERY,
        credits=16,
        format=m.PixelFormat.RGB8,
    ),
    "subscribe, jpeg, no checksums": m.Subscribe(
        request=8,
        subscription=1,
        story_id="s1",
        mode=m.WatchMode.LATEST,
        credits=2,
        format=m.PixelFormat.JPEG,
        quality=80,
        checksum=False,
    ),
    "grant_credits": m.GrantCredits(subscription=0, credits=8),
    "unsubscribe": m.Unsubscribe(request=9, subscription=1),
    "heartbeat": m.Heartbeat(),
    "goodbye": m.Goodbye(),
    "goodbye, with a reason": m.Goodbye(reason="editor closed"),
}

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
BGRA = np.concatenate([PIXELS[..., ::-1], np.full((2, 3, 1), 255, np.uint8)], axis=2)


def frame_header(pixel_format: m.PixelFormat, checksum: int | None) -> m.FrameHeader:
    return m.FrameHeader(
        subscription=0,
        skipped=3,
        story_id="s1",
        shot=1,
        index=93,
        index_in_shot=12,
        chunk=1,
        pts_s=93 / 16,
        beat_id="b1",
        seed=7,
        created_ns=123_456_789_012,
        width=3,
        height=2,
        format=pixel_format,
        checksum=checksum,
    )


SERVER: dict[str, tuple[Message, bytes | None]] = {
    "welcome": (
        m.Welcome(
            version=1,
            client_id="unreal-01",
            heartbeat_s=1.0,
            timeout_s=10.0,
            server=server_info(),
            limits=m.EndpointLimits(),
        ),
        None,
    ),
    "refused": (
        m.Refused(
            code="version_unsupported",
            reason="this server speaks protocol version 1, the client offers 2; update the server",
            retryable=False,
            server_versions=(1,),
            client_versions=(2,),
        ),
        None,
    ),
    "server_state": (
        m.ServerState(state=m.ServerStateName.LOADING, detail="warming up", progress=0.25),
        None,
    ),
    "server_state, ready": (m.ServerState(state=m.ServerStateName.READY), None),
    "story_opened": (
        m.StoryOpened(request=1, story_id="s1", width=128, height=80, fps=16.0, chunks_per_shot=7),
        None,
    ),
    "beat_status, accepted": (
        m.BeatStatus(request=2, story_id="s1", beat_id="b1", stage=m.BeatStage.ACCEPTED),
        None,
    ),
    "beat_status, scheduled": (
        m.BeatStatus(story_id="s1", beat_id="b1", stage=m.BeatStage.SCHEDULED, shot=0, first_frame=0),
        None,
    ),
    "beat_status, first_frame": (
        m.BeatStatus(story_id="s1", beat_id="b1", stage=m.BeatStage.FIRST_FRAME, shot=0, first_frame=0),
        None,
    ),
    "beat_status, done": (
        m.BeatStatus(
            story_id="s1",
            beat_id="b1",
            stage=m.BeatStage.DONE,
            shot=0,
            first_frame=0,
            outcome=m.BeatOutcome.COMPLETED,
            frames=81,
        ),
        None,
    ),
    "beat_status, rejected": (
        m.BeatStatus(
            request=3,
            story_id="s1",
            beat_id="b2",
            stage=m.BeatStage.REJECTED,
            code="queue_full",
            field="beat",
            reason="100 beats wait, which is the limit",
            retryable=True,
        ),
        None,
    ),
    "notice": (
        m.Notice(
            story_id="s1",
            beat_id="b1",
            level=m.NoticeLevel.WARNING,
            code="unknown_words",
            text="mini does not know: dragon",
        ),
        None,
    ),
    "story_closed": (m.StoryClosed(story_id="s1", end=m.StoryEnd.DRAINED, shots=2, frames=162), None),
    "subscribed": (m.Subscribed(request=7, subscription=0, story_id="s1"), None),
    "frame, rgb8": (
        frame_header(m.PixelFormat.RGB8, fold_crc32(PIXELS.reshape(-1))),
        PIXELS.tobytes(),
    ),
    "frame, bgra8": (frame_header(m.PixelFormat.BGRA8, fold_crc32(BGRA.reshape(-1))), BGRA.tobytes()),
    "frame, rgb8, no checksum": (frame_header(m.PixelFormat.RGB8, None), PIXELS.tobytes()),
    "ack": (m.Ack(request=9), None),
    "error": (
        m.Error(
            request=4,
            code="invalid_value",
            field="beat.text",
            reason="beat.text is empty; say what should be seen",
            retryable=False,
            story_id="s1",
            beat_id="b1",
        ),
        None,
    ),
    "heartbeat": (m.Heartbeat(), None),
    "goodbye": (m.Goodbye(reason="the server is stopping"), None),
}


def pack(value: Any) -> dict[str, Any]:
    return {"hex": msgpack.packb(value).hex()}


def edited(message: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return pack({**message, **changes})


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    return pack({key: value for key, value in message.items() if key != name})


def beat(**changes: Any) -> dict[str, Any]:
    return edited(SUBMIT, beat={**BEAT, **changes})


def filled(prefix: bytes, fill: bytes, count: int, suffix: bytes = b"") -> dict[str, Any]:
    return {"hex": prefix.hex(), "fill": fill.hex(), "count": count, "suffix": suffix.hex()}


def long_beat(length: int) -> dict[str, Any]:
    whole = msgpack.packb({**SUBMIT, "beat": {**BEAT, "text": "x" * length}})
    at = whole.index(b"x" * length)
    return filled(whole[:at], b"x", length, whole[at + length :])


HEARTBEAT = msgpack.packb({"type": "heartbeat"})

# name: (parts, answer, code, field). The connection was welcomed before as client "c1".
MALFORMED: dict[str, tuple[list[dict[str, Any]], str, str, str | None]] = {
    "an empty part": ([{"hex": ""}], "error", "malformed", None),
    "text instead of MessagePack": ([{"hex": b"GET / HTTP/1.1\r\n".hex()}], "error", "malformed", None),
    "the byte MessagePack never uses": ([{"hex": "c1"}], "error", "malformed", None),
    "a cut-off map": ([{"hex": HEARTBEAT[:-3].hex()}], "error", "malformed", None),
    "bytes after the map": ([{"hex": (HEARTBEAT + b"\0").hex()}], "error", "malformed", None),
    "an array instead of a map": ([pack(["type", "heartbeat"])], "error", "malformed", None),
    "a number instead of a map": ([pack(7)], "error", "malformed", None),
    "a map that claims 4 billion entries": ([{"hex": "dfffffffff"}], "error", "malformed", None),
    "a key that is a number": ([pack({"type": "heartbeat", 1: 2})], "error", "malformed", None),
    "a key that is bytes": ([pack({"type": "heartbeat", b"x": 2})], "error", "malformed", None),
    "a key twice": (
        [{"hex": "82a474797065a9686561727462656174a474797065a9686561727462656174"}],
        "error",
        "malformed",
        None,
    ),
    "text that is not UTF-8": ([{"hex": "81a474797065a2c328"}], "error", "malformed", None),
    "an extension type": ([{"hex": "81a474797065d40100"}], "error", "malformed", None),
    "nested 2,000 deep": ([filled(b"\x81\xa4type", b"\x91", 2000, b"\xc0")], "error", "malformed", None),
    "two parts": ([pack({"type": "heartbeat"}), {"hex": "00"}], "error", "malformed", None),
    "a header of 65,537 bytes": ([filled(b"", b"\xc0", 65_537)], "error", "too_large", None),
    "no type": ([pack({})], "error", "missing_field", "type"),
    "a type that is no text": ([pack({"type": 5})], "error", "unknown_type", "type"),
    "an unknown type": ([pack({"type": "make_coffee"})], "error", "unknown_type", "type"),
    "a message of the server": ([pack({"type": "ack", "request": 1})], "error", "unexpected_message", "type"),
    "hello twice": ([edited(HELLO)], "error", "unexpected_message", "type"),
    "an unknown field": ([pack({"type": "heartbeat", "mood": 1})], "error", "unknown_field", "mood"),
    "an unknown field inside": ([beat(lens="wide")], "error", "unknown_field", "beat.lens"),
    "a field without a name": ([pack({"type": "heartbeat", "": 1})], "error", "unknown_field", '""'),
    "a field missing": ([without(SUBMIT, "story_id")], "error", "missing_field", "story_id"),
    "no request": ([without(SUBMIT, "request")], "error", "missing_field", "request"),
    "a number as text": ([edited(SUBMIT, request="4")], "error", "invalid_value", "request"),
    "a number as float": ([edited(SUBMIT, request=4.0)], "error", "invalid_value", "request"),
    "a number as truth value": ([edited(SUBMIT, request=True)], "error", "invalid_value", "request"),
    "a number too large": ([edited(SUBMIT, request=2**32)], "error", "invalid_value", "request"),
    "a number below zero": ([edited(SUBMIT, request=-1)], "error", "invalid_value", "request"),
    "text as bytes": ([edited(SUBMIT, story_id=b"s1")], "error", "invalid_value", "story_id"),
    "an id with a slash": ([edited(SUBMIT, story_id="../s1")], "error", "invalid_value", "story_id"),
    "an id of 65 characters": ([edited(SUBMIT, story_id="s" * 65)], "error", "invalid_value", "story_id"),
    "an empty beat": ([beat(text="")], "error", "invalid_value", "beat.text"),
    "a beat of blanks": ([beat(text=" \n\t ")], "error", "invalid_value", "beat.text"),
    "a beat of 20,000 characters": ([long_beat(20_000)], "error", "invalid_value", "beat.text"),
    "a beat of 2,001 characters": ([long_beat(2_001)], "error", "invalid_value", "beat.text"),
    "a beat with an escape character": ([beat(text="a\x1b[2Jb")], "error", "invalid_value", "beat.text"),
    "a beat without an id": ([beat(id=None)], "error", "missing_field", "beat.id"),
    "a beat of no known mode": ([beat(mode="fade")], "error", "invalid_value", "beat.mode"),
    "a beat of no known policy": ([beat(policy="now")], "error", "invalid_value", "beat.policy"),
    "a beat of 0 chunks": ([beat(chunks=0)], "error", "invalid_value", "beat.chunks"),
    "a beat of 201 chunks": ([beat(chunks=201)], "error", "invalid_value", "beat.chunks"),
    "no credits": ([edited(SUBSCRIBE, credits=0)], "error", "invalid_value", "credits"),
    "an unknown pixel format": ([edited(SUBSCRIBE, format="rgb565")], "error", "invalid_value", "format"),
    "a quality without jpeg": ([edited(SUBSCRIBE, quality=80)], "error", "invalid_value", "quality"),
    "credits for nothing": (
        [pack({"type": "grant_credits", "subscription": 9, "credits": 1})],
        "error",
        "unknown_subscription",
        "subscription",
    ),
    "a story that is not open": (
        [edited(SUBSCRIBE, story_id="nowhere")],
        "error",
        "unknown_story",
        "story_id",
    ),
}

# The same for a connection that was not welcomed.
STRANGERS: dict[str, tuple[list[dict[str, Any]], str, str, str | None]] = {
    "no hello": ([pack({"type": "heartbeat"})], "error", "hello_required", None),
    "garbage before hello": ([{"hex": "ffff"}], "error", "malformed", None),
    "hello of a later version, with later fields": (
        [edited(HELLO, versions=[2, 3], keys="x")],
        "refused",
        "version_unsupported",
        None,
    ),
    "hello of an earlier version": ([edited(HELLO, versions=[0])], "refused", "version_unsupported", None),
    "hello without versions": ([without(HELLO, "versions")], "error", "missing_field", "versions"),
    "hello with no version": ([edited(HELLO, versions=[])], "error", "invalid_value", "versions"),
    "hello with an id that is none": (
        [edited(HELLO, client_id="a b")],
        "error",
        "invalid_value",
        "client_id",
    ),
    "hello with an endless heartbeat": (
        [edited(HELLO, heartbeat_s=float("inf"))],
        "error",
        "invalid_value",
        "heartbeat_s",
    ),
}

CHECKSUMS = {"empty": 0, "one": 1, "block": 4096, "block and one": 4097, "odd": 10_001, "large": 1_198_080}


def expand(part: dict[str, Any]) -> bytes:
    """The bytes of a part as it stands in the file."""
    middle = bytes.fromhex(part.get("fill", "")) * part.get("count", 0)
    return bytes.fromhex(part["hex"]) + middle + bytes.fromhex(part.get("suffix", ""))


def ramp(size: int) -> np.ndarray:
    """Bytes ``(7 * i + i // 256) % 256`` for i in 0..size-1."""
    index = np.arange(size)
    return ((7 * index + index // 256) % 256).astype(np.uint8)


def build() -> dict[str, Any]:
    def answers(table: dict[str, tuple[list[dict[str, Any]], str, str, str | None]]) -> list[dict[str, Any]]:
        return [
            {"name": name, "parts": parts, "answer": answer, "code": code, "field": field}
            for name, (parts, answer, code, field) in table.items()
        ]

    return {
        "about": "Byte-exact vectors of docs/protocol.md. Parts are MessagePack in hexadecimal; "
        "'fill' stands 'count' times between 'hex' and 'suffix'.",
        "versions": list(PROTOCOL_VERSIONS),
        "client_to_server": [
            {"name": name, "message": message.model_dump(mode="json"), "parts": [encode(message).hex()]}
            for name, message in CLIENT.items()
        ],
        "server_to_client": [
            {
                "name": name,
                "message": message.model_dump(mode="json"),
                "parts": [encode(message).hex(), *([] if payload is None else [payload.hex()])],
            }
            for name, (message, payload) in SERVER.items()
        ],
        "refused_when_welcomed": answers(MALFORMED),
        "refused_before_hello": answers(STRANGERS),
        "checksums": [
            {
                "name": name,
                "about": "bytes (7 * i + i // 256) % 256",
                "size": size,
                "checksum": fold_crc32(ramp(size)),
            }
            for name, size in CHECKSUMS.items()
        ],
    }


def render() -> str:
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
    print(f"wrote {FILE}")
