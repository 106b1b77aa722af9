# SPDX-License-Identifier: Apache-2.0
"""The server's log: one line for people or one JSON object for programs, each with what it is about.

What clients send stands in some messages. It is escaped where the line is made, so that nobody can write a
second line into the log, or a terminal sequence.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from shotstream_bridge.log_context import ids_of

_OWN = ("shotstream_bridge", "shotstream_runtime", "shotstream_training")
_ERROR_LINE = "    | "


class TextFormatter(logging.Formatter):
    """``2026-11-25T13:05:01.123Z INFO host.story_host: message [story=s1 client=c1]``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows in lines that begin with blanks and a bar."""
        where = record.name.removeprefix("shotstream_runtime.").removeprefix("shotstream_")
        line = f"{_moment(record)} {record.levelname} {where}: {escaped(_message(record))}"
        ids = ids_of(record)
        if ids:
            line += " [" + " ".join(f"{name}={escaped(str(value))}" for name, value in ids.items()) + "]"
        for below in _traceback(record).splitlines():
            line += f"\n{_ERROR_LINE}{escaped(below)}"
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object on a line, in ASCII: ``time``, ``level``, ``logger``, ``thread``, ``message``.

    ``client``, ``story``, ``beat``, ``shot`` and ``chunk`` where they are known, ``error`` and ``traceback``
    where there was one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The object; line feeds and everything else that is not ASCII are escaped inside its strings."""
        entry: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": _message(record),
            **ids_of(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = type(record.exc_info[1]).__name__
            entry["traceback"] = _traceback(record)
        return json.dumps(entry)


def escaped(text: str) -> str:
    r"""A text as it may stand in a line: what is not printable becomes ``\n``, ``\x1b`` or the like."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def start_logging(
    form: Literal["text", "json"] = "text", level: str = "info", stream: TextIO | None = None
) -> None:
    """Sends this process's log to a stream, in place of where it went before.

    Args:
        form: How a line looks.
        level: ``debug``, ``info``, ``warning`` or ``error``: lines are written from there on. Those of other
            packages are from ``warning`` on, whatever the level.
        stream: Where to; standard error by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OWN:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(True)


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a fault in the line must not cost the line
        return f"{record.msg} {record.args!r}"


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip()
