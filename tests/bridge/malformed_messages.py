# SPDX-License-Identifier: Apache-2.0
"""Messages that must be refused, and how; they become vectors in docs/protocol_vectors.json. And mutation."""

from __future__ import annotations

import random
from typing import Any

import msgpack

Refusals = dict[str, tuple[list[dict[str, Any]], str, str, str | None]]
"""Name: parts, answer, code, field."""

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
MALFORMED: Refusals = {
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
    "shared memory for what is compressed": (
        [edited(SUBSCRIBE, format="jpeg", memory=True)],
        "error",
        "invalid_value",
        "memory",
    ),
    "a quality of png": (
        [edited(SUBSCRIBE, format="png", quality=80)],
        "error",
        "invalid_value",
        "quality",
    ),
    "a quality of 101": (
        [edited(SUBSCRIBE, format="webp", quality=101)],
        "error",
        "invalid_value",
        "quality",
    ),
    "a frame to begin with, without every": (
        [edited(SUBSCRIBE, mode="latest", from_frame=3)],
        "error",
        "invalid_value",
        "from_frame",
    ),
    "a story that cannot be resumed": (
        [pack({"type": "resume_story", "request": 6, "story_id": "nowhere"})],
        "error",
        "unknown_story",
        "story_id",
    ),
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
STRANGERS: Refusals = {
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


def expand(part: dict[str, Any]) -> bytes:
    """The bytes of a part as it stands in the file."""
    middle = bytes.fromhex(part.get("fill", "")) * part.get("count", 0)
    return bytes.fromhex(part["hex"]) + middle + bytes.fromhex(part.get("suffix", ""))


def mutated(chance: random.Random, header: bytes) -> bytes:
    """A message with a few of its bytes changed, left out, doubled or exchanged."""
    data = bytearray(header)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data)) if data else 0
        match chance.randrange(5):
            case 0 if data:
                data[at] = chance.randrange(256)
            case 1 if data:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case 3:
                data += data[at : at + 16]
            case _:
                data = data[at:] + data[:at]
    return bytes(data)
