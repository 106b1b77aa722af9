# SPDX-License-Identifier: Apache-2.0
"""What the running code works on, so that each of its log lines can carry it: story, client, beat and so on.

The package only keeps the identifiers; a host's log formatter reads them with :func:`ids_of`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Final

LOG_IDS: Final = ("client", "story", "beat", "shot", "chunk")
"""The identifiers there are, in the order in which they are shown."""

LogId = str | int
_NOTHING: Final[Mapping[str, LogId]] = {}
_current: ContextVar[Mapping[str, LogId]] = ContextVar("shotstream_log_ids", default=_NOTHING)


class _Scope:
    """A context manager as a class: it is entered for every message, and a generator costs twice as much."""

    __slots__ = ("_ids", "_token")

    def __init__(self, ids: dict[str, LogId | None]) -> None:
        self._ids = ids
        self._token: Token[Mapping[str, LogId]]

    def __enter__(self) -> None:
        self._token = _current.set(_with(self._ids))

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def log_context(**ids: LogId | None) -> AbstractContextManager[None]:
    """Every line that is logged inside, by this thread or task, has these identifiers.

    Args:
        ids: Of :data:`LOG_IDS`; None for one that is not known.
    """
    return _Scope(ids)


def note_log_ids(**ids: LogId | None) -> None:
    """As :func:`log_context`, up to the end of the one that this is called in."""
    _current.set(_with(ids))


def ids_of(record: logging.LogRecord) -> dict[str, LogId]:
    """The identifiers of a record: those given to it as ``extra``, and those of the context.

    To be called by the thread that logs: handlers and their formatters are.
    """
    context = _current.get()
    found = {name: getattr(record, name, context.get(name)) for name in LOG_IDS}
    return {name: value for name, value in found.items() if value is not None}


def _with(ids: Mapping[str, LogId | None]) -> Mapping[str, LogId]:
    return {**_current.get(), **{name: value for name, value in ids.items() if value is not None}}
