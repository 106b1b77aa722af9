# SPDX-License-Identifier: Apache-2.0
"""What `shotstream serve` says: to people on the terminal, or all of it as JSON in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.markup import escape

from .failure import explain
from .options import LogFormat, LogLevel
from .terminal import console

_log = logging.getLogger(__name__)

Say = Callable[[str], None]


@contextmanager
def serving_log(form: LogFormat, level: LogLevel) -> Iterator[Say]:
    """Starts the log.

    With JSON nothing but JSON is written: what would be said on the terminal goes into the log, and so does
    the error that ends the command.

    Args:
        form: How a line looks.
        level: From which level on lines are written.

    Yields:
        Says a line.
    """
    from shotstream_runtime.host.logs import start_logging  # noqa: PLC0415 - help does not need it

    start_logging(form.value, level.value)
    if form is LogFormat.TEXT:
        yield lambda line: console.print(escape(line), soft_wrap=True)
        return
    try:
        yield lambda line: _log.info("%s", line)
    except Exception as error:
        message, code = explain(error)
        _log.critical("%s", message, exc_info=None if message == str(error) else error)
        raise typer.Exit(code) from error
