# SPDX-License-Identifier: Apache-2.0
"""The lines of the server's log, and that nobody can forge one."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from shotstream_bridge.log_context import log_context, note_log_ids
from shotstream_runtime.host.logs import escaped, start_logging

HOSTILE = 'a\n2026-01-01T00:00:00Z ERROR forged\r\x1b[2J\x07\x9b1m\u2028\u202e\ud800 %s %d {0} "}'
log = logging.getLogger("shotstream_runtime.host.test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where `start_logging` writes; afterwards the log is as it was."""
    root, own = logging.getLogger(), logging.getLogger("shotstream_runtime")
    before = root.handlers[:], root.level, own.level
    yield io.StringIO()
    root.handlers[:], root.level, own.level = before
    logging.captureWarnings(False)


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_a_json_line_has_what_it_is_about(stream: io.StringIO) -> None:
    start_logging("json", "info", stream)
    with log_context(client="c1", story="s1"):
        note_log_ids(shot=2, chunk=0)
        log.info("chunk %d", 0)
        with log_context(beat="b1"):
            log.warning("deeper", extra={"story": "s2"})
        log.debug("not written")
    log.info("outside")
    first, second, third = lines_of(stream)
    assert first["message"] == "chunk 0"
    assert (first["client"], first["story"], first["shot"], first["chunk"]) == ("c1", "s1", 2, 0)
    assert first["level"] == "info"
    assert first["time"].endswith("Z")
    assert "beat" not in first
    assert (second["story"], second["beat"], second["level"]) == ("s2", "b1", "warning")
    assert not {"client", "story", "shot"} & set(third)


def test_threads_do_not_mix_their_ids_up(stream: io.StringIO) -> None:
    start_logging("json", "info", stream)
    both = threading.Barrier(2)

    def work(name: str) -> None:
        with log_context(story=name):
            for _ in range(50):
                both.wait(10)
                log.info("%s", name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("s1", "s2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    lines = lines_of(stream)
    assert len(lines) == 100
    assert all(line["story"] == line["message"] for line in lines)


def test_hostile_text_stays_in_its_json_line(stream: io.StringIO) -> None:
    start_logging("json", "info", stream)
    log.info("client %s", HOSTILE, extra={"client": HOSTILE})
    (line,) = lines_of(stream)
    assert line["message"] == f"client {HOSTILE}"
    assert line["client"] == HOSTILE
    assert stream.getvalue().isascii()


@pytest.mark.parametrize("as_error", [False, True])
def test_hostile_text_makes_no_second_text_line(stream: io.StringIO, as_error: bool) -> None:
    start_logging("text", "info", stream)
    with log_context(story=HOSTILE):
        try:
            raise ValueError(HOSTILE)
        except ValueError as error:
            log.error("failed on %s", HOSTILE, exc_info=error if as_error else None)
    lines = stream.getvalue().split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    assert len([line for line in lines if line.startswith("20")]) == 1
    assert all(line.startswith("    | ") for line in lines[1:])
    assert (len(lines) > 1) is as_error


def test_a_text_is_no_format_string(stream: io.StringIO) -> None:
    start_logging("json", "info", stream)
    log.info("%s", "%s %(message)s %n")
    log.info("only one place: %s", "a", "b")  # noqa: PLE1205 - a fault of ours must not lose the line
    first, second = lines_of(stream)
    assert first["message"] == "%s %(message)s %n"
    assert "only one place" in second["message"]


def test_other_packages_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    start_logging("json", "debug", stream)
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    log.debug("ours")
    assert [line["message"] for line in lines_of(stream)] == ["trouble", "ours"]


def test_escaping_keeps_what_people_write() -> None:
    assert escaped("Er hält an. 狐が止まる。🦊") == "Er hält an. 狐が止まる。🦊"
    assert escaped("a\nb\x1b") == "a\\nb\\x1b"
