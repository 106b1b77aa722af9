# SPDX-License-Identifier: Apache-2.0
"""Messages to bytes and back: a MessagePack map whose first key is ``type``.

Encoding is canonical (every field, in the order of its class, absent values as nil, integers as short as
possible, floats as float64), so that a message has exactly one encoding. Decoding is strict about content
and lenient about
form: any key order and any integer width are read, an unknown field or a repeated key is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar, get_args

import msgpack  # type: ignore[import-untyped]
from pydantic import TypeAdapter, ValidationError

from shotstream_bridge.errors import ErrorCode, InvalidMessageError
from shotstream_bridge.fields import Message, PixelFormat
from shotstream_bridge.frames import Frame
from shotstream_bridge.messages import CLIENT_MESSAGES, SERVER_MESSAGES, ClientMessage, ServerMessage
from shotstream_bridge.story import ID_PATTERN

MAX_HEADER_BYTES: Final = 64 * 1024
"""Largest header part either side accepts."""

_T = TypeVar("_T")
_ID: Final = re.compile(ID_PATTERN)
_SHOWN_CHARS: Final = 80
_FIELD_CHARS: Final = 200
_REASON_CHARS: Final = 1_000


def _type_names(union: Any) -> frozenset[str]:
    return frozenset(member.model_fields["type"].default for member in get_args(union))


CLIENT_TYPES: Final = _type_names(ClientMessage)
SERVER_TYPES: Final = _type_names(ServerMessage)


def encode(message: Message) -> bytes:
    """Encodes a message as the header part of a multipart message."""
    packed: bytes = msgpack.packb(message.model_dump(), use_bin_type=True)
    return packed


def encode_frame_header(
    frame: Frame,
    *,
    subscription: int,
    skipped: int,
    pixel_format: PixelFormat,
    checksum: int | None,
    slot: int | None = None,
) -> bytes:
    """Encodes the ``frame`` message for a published frame.

    The same bytes as :func:`encode` of a :class:`~shotstream_bridge.replies.FrameHeader`, without building
    one: this runs once for every frame and watcher.
    """
    packed: bytes = msgpack.packb(
        {
            "type": "frame",
            "subscription": subscription,
            "skipped": skipped,
            "story_id": frame.story_id,
            "shot": frame.shot,
            "index": frame.index,
            "index_in_shot": frame.index_in_shot,
            "chunk": frame.chunk,
            "pts_s": float(frame.pts_s),
            "beat_id": frame.beat_id,
            "seed": frame.seed,
            "created_ns": frame.created_ns,
            "width": frame.width,
            "height": frame.height,
            "format": pixel_format.value,
            "checksum": checksum,
            **({} if slot is None else {"slot": slot}),
        },
        use_bin_type=True,
    )
    return packed


def decode_client(header: bytes | memoryview) -> ClientMessage:
    """Decodes what a client sent.

    Raises:
        InvalidMessageError: With the code, field and reason that the sender is told.
    """
    return validate_client(unpack_header(header))


def decode_server(header: bytes | memoryview) -> ServerMessage:
    """Decodes what a server sent.

    Raises:
        InvalidMessageError: The bytes are no valid message.
    """
    return _validate(unpack_header(header), SERVER_TYPES, CLIENT_TYPES, SERVER_MESSAGES)


def validate_client(fields: dict[str, Any]) -> ClientMessage:
    """Validates an unpacked header from a client; see :func:`decode_client`."""
    return _validate(fields, CLIENT_TYPES, SERVER_TYPES, CLIENT_MESSAGES)


def unpack_header(header: bytes | memoryview) -> dict[str, Any]:
    """Unpacks a header to a map with text keys, without looking at its fields.

    Raises:
        InvalidMessageError: ``too_large`` or ``malformed``.
    """
    if len(header) > MAX_HEADER_BYTES:
        raise InvalidMessageError(
            ErrorCode.TOO_LARGE, f"the header has {len(header)} bytes; at most {MAX_HEADER_BYTES} are allowed"
        )
    try:
        fields = msgpack.unpackb(
            header,
            raw=False,
            strict_map_key=True,
            object_pairs_hook=_map_without_repeats,
            ext_hook=_refuse_ext,
        )
    except _RepeatedKeyError as error:
        raise InvalidMessageError(ErrorCode.MALFORMED, str(error)) from error
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise InvalidMessageError(
            ErrorCode.MALFORMED,
            f"the header is not one MessagePack map with text keys ({type(error).__name__})",
        ) from error
    if not isinstance(fields, dict):
        raise InvalidMessageError(
            ErrorCode.MALFORMED, f"the header is a MessagePack {type(fields).__name__}; it must be a map"
        )
    return fields


class _RepeatedKeyError(ValueError):
    pass


def _map_without_repeats(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    fields = dict(listed)
    if len(fields) != len(listed):
        keys = [key for key, _ in listed]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise _RepeatedKeyError(f"the key {_shown(repeated)} stands twice in one map; leave one out")
    for key in fields:
        if type(key) is not str:
            raise TypeError("key")
    return fields


def _refuse_ext(code: int, data: bytes) -> Any:
    raise ValueError("extension type")


def _validate(
    fields: dict[str, Any], known: frozenset[str], other_way: frozenset[str], adapter: TypeAdapter[_T]
) -> _T:
    kind = fields.get("type")
    if kind is None:
        raise InvalidMessageError(ErrorCode.MISSING_FIELD, "type is missing", field="type", **named(fields))
    if not isinstance(kind, str) or kind not in known:
        if isinstance(kind, str) and kind in other_way:
            raise InvalidMessageError(
                ErrorCode.UNEXPECTED_MESSAGE, f"{kind} goes the other way", field="type", **named(fields)
            )
        raise InvalidMessageError(
            ErrorCode.UNKNOWN_TYPE,
            f"type is {_shown(kind)}; known types are {', '.join(sorted(known))}",
            field="type",
            **named(fields),
        )
    try:
        return adapter.validate_python(fields)
    except ValidationError as error:
        raise _invalid(error, fields) from error


def _invalid(error: ValidationError, fields: dict[str, Any]) -> InvalidMessageError:
    """The first of pydantic's complaints as the protocol's."""
    first = error.errors(include_url=False, include_input=True)[0]
    # The location starts with the union's tag. A check over several fields has its field in the context.
    path = ".".join(_location(part) for part in first["loc"][1:]) or first.get("ctx", {}).get("field")
    field = printable(path)[:_FIELD_CHARS] if path else None
    kind = first["type"]
    if kind == "extra_forbidden":
        code, reason = ErrorCode.UNKNOWN_FIELD, f"{field} is no field of this message; leave it out"
    elif kind in ("missing", "beat_id_missing"):
        code, reason = ErrorCode.MISSING_FIELD, f"{field} is missing"
    elif kind.startswith(("text_", "control_")) or first["loc"][1:] == ():
        code, reason = ErrorCode.INVALID_VALUE, _sentence(field, first["msg"])
    else:
        shown = _shown(first["input"])
        code, reason = ErrorCode.INVALID_VALUE, f"{field} is {shown}: {_lower_first(first['msg'])}"
    return InvalidMessageError(code, reason[:_REASON_CHARS], field=field, **named(fields))


def _location(part: int | str) -> str:
    return str(part) if part != "" else '""'


def printable(text: str) -> str:
    """What a peer has sent as it may stand in a log: without line feeds and terminal sequences."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _sentence(field: str | None, message: str) -> str:
    # Checks over several fields name them in their message already.
    return message if field is None or message.startswith(field) else f"{field} {message}"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(value: object) -> str:
    """A value, short enough for a message and for a log."""
    if isinstance(value, dict):
        return f"a map of {len(value)}"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."


def named(fields: dict[str, Any]) -> dict[str, Any]:
    """What a refused message names, as far as it can be read, for the answer: arguments of the error."""
    return {
        "request": _readable_request(fields),
        "story_id": _readable_id(fields.get("story_id")),
        "beat_id": _readable_beat_id(fields),
    }


def _readable_request(fields: dict[str, Any]) -> int | None:
    request = fields.get("request")
    if isinstance(request, int) and not isinstance(request, bool) and 0 <= request < 2**32:
        return request
    return None


def _readable_id(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _readable_beat_id(fields: dict[str, Any]) -> str | None:
    beat = fields.get("beat")
    return _readable_id(beat.get("id") if isinstance(beat, dict) else fields.get("beat_id"))
