# SPDX-License-Identifier: Apache-2.0
"""Any bytes at all: a message or a clear refusal, never another exception."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import make_protocol_vectors as vectors
import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malformed_messages import HELLO, expand, long_beat, mutated
from scripted_service import frame
from shotstream_bridge import ErrorCode, FrameHeader, InvalidMessageError, PixelFormat
from shotstream_bridge.codec import (
    MAX_HEADER_BYTES,
    decode_client,
    decode_server,
    encode,
    encode_frame_header,
)

MESSAGES = (*vectors.CLIENT.values(), *(message for message, _ in vectors.SERVER.values()))
LATER = (message for _, message, *_ in (*vectors.LATER_CLIENT.values(), *vectors.LATER_SERVER.values()))
VALID = [encode(message) for message in (*MESSAGES, *LATER)]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


def decode_both(data: bytes) -> None:
    for decode in (decode_client, decode_server):
        refusal: InvalidMessageError | None = None
        try:
            message = decode(data)
        except InvalidMessageError as error:
            refusal = error
        if refusal is None:
            # Whatever is understood has one encoding, which is understood as the same.
            assert decode(encode(message)) == message
        else:
            assert isinstance(refusal.code, ErrorCode)
            assert 0 < len(refusal.reason) <= 1_000
            assert refusal.field is None or 0 < len(refusal.field) <= 200


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    decode_both(data)


@given(values)
def test_random_messagepack(value: Any) -> None:
    decode_both(msgpack.packb(value))


@settings(max_examples=400)
@given(st.sampled_from(VALID), st.data())
def test_mutated_bytes(valid: bytes, data: st.DataObject) -> None:
    mutated = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip":
                mutated[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del mutated[at : at + data.draw(st.integers(1, 8))]
            case "insert":
                mutated[at:at] = data.draw(st.binary(min_size=1, max_size=8))
            case "repeat":
                mutated[at:at] = mutated[at : at + 16]
        if not mutated:
            break
    decode_both(bytes(mutated))


def test_ten_thousand_mutated_messages() -> None:
    chance = random.Random(6)  # noqa: S311 - a test
    for _ in range(10_000):
        decode_both(mutated(chance, chance.choice(VALID)))


@settings(max_examples=300)
@given(st.sampled_from(VALID), st.data())
def test_mutated_fields(valid: bytes, data: st.DataObject) -> None:
    fields = msgpack.unpackb(valid)
    name = data.draw(st.sampled_from(sorted(fields)))
    match data.draw(st.sampled_from(["drop", "replace", "add"])):
        case "drop":
            del fields[name]
        case "replace":
            fields[name] = data.draw(values)
        case "add":
            fields[data.draw(st.text(max_size=300))] = data.draw(values)
    decode_both(msgpack.packb(fields))


@pytest.mark.parametrize("size", [MAX_HEADER_BYTES, MAX_HEADER_BYTES + 1])
def test_the_header_limit_is_exact(size: int) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode_client(b"\xc0" * size)
    expected = ErrorCode.MALFORMED if size == MAX_HEADER_BYTES else ErrorCode.TOO_LARGE
    assert caught.value.code is expected


def test_the_longest_messages_fit_a_header() -> None:
    widest = "\U0001f98a"
    story = {"global_caption": widest * 8_000, "title": widest * 200, "seed": 0}
    message = decode_client(msgpack.packb({"type": "open_story", "request": 1, "story_id": "s", **story}))
    assert len(encode(message)) <= MAX_HEADER_BYTES


def test_a_refusal_names_request_story_and_beat_where_they_can_be_read() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode_client(expand(long_beat(20_000)))
    error = caught.value
    assert (error.request, error.story_id, error.beat_id) == (4, "s1", "b1")
    assert (
        error.reason
        == "beat.text has 20000 characters, at most 2000 are allowed; split it into several beats"
    )


def test_a_refusal_never_repeats_a_long_value() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode_client(msgpack.packb({"type": "x" * 60_000}))
    assert len(caught.value.reason) < 500


def test_control_characters_of_a_field_name_do_not_reach_the_log() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode_client(msgpack.packb({"type": "heartbeat", "a\x1b[2J\n": 1}))
    assert caught.value.field == "a?[2J?"


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
@pytest.mark.parametrize("checksum", [None, 0, 2**32 - 1])
def test_the_quick_frame_header_is_the_models(pixel_format: PixelFormat, checksum: int | None) -> None:
    picture = frame("s1", 40)
    quick = encode_frame_header(
        picture, subscription=3, skipped=9, pixel_format=pixel_format, checksum=checksum
    )
    message = decode_server(quick)
    assert isinstance(message, FrameHeader)
    assert encode(message) == quick
    assert (message.index, message.width, message.height) == (40, 16, 8)


def test_a_whole_number_where_a_fraction_belongs_is_read() -> None:
    message = decode_client(msgpack.packb({**HELLO, "heartbeat_s": 2}))
    with contextlib.suppress(AttributeError):
        assert message.heartbeat_s == 2.0  # type: ignore[union-attr]
    assert encode(message).hex().count("cb4000000000000000") == 1
