# SPDX-License-Identifier: Apache-2.0
"""A measurement in a process of its own: its memory is its own, and whatever ends it ends nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

_STEP, _RESULT = "step", "result"
_ERROR_HEAD = "error: "


class MeasurementFailed(Exception):
    """The process gave no result; the message says why, in one line."""


def tell_step(step: str) -> None:
    """In that process: what is being done."""
    _say(_STEP, step)


def tell_result(result: Any) -> None:
    """In that process: the result, as plain JSON values."""
    _say(_RESULT, result)


def _say(kind: str, value: Any) -> None:
    print(json.dumps({kind: value}), flush=True)


def measure_apart(
    command: list[str], *, timeout_s: float | None = None, told: Callable[[str], None] = lambda step: None
) -> Any:
    """Runs a `shotstream` command that tells its steps and its result.

    Args:
        command: The command's words after ``shotstream``.
        timeout_s: It is ended when it takes longer.
        told: Hears its steps.

    Returns:
        The result.

    Raises:
        MeasurementFailed: It failed, died or took too long.
    """
    words = [sys.executable, "-m", "shotstream_runtime.cli", *command]
    result: Any = None
    step = "starting"
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own command
            words, stdout=subprocess.PIPE, stderr=complaints, encoding="utf-8", errors="replace"
        )
        assert process.stdout is not None  # noqa: S101 - for the type checker
        too_late = threading.Event()

        def end() -> None:
            too_late.set()
            process.kill()

        timer = threading.Timer(timeout_s, end) if timeout_s is not None else None
        try:
            if timer is not None:
                timer.start()
            for line in process.stdout:
                kind, value = _heard(line)
                if kind == _STEP:
                    step = str(value)
                    told(step)
                elif kind == _RESULT:
                    result = value
            code = process.wait()
        finally:
            if timer is not None:
                timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
        if result is not None and code == 0:
            return result
        complaints.seek(0)
        lines = [line.strip() for line in complaints if line.strip()]
    if too_late.is_set():
        raise MeasurementFailed(f"the time was up while {step}")
    said = next((line for line in reversed(lines) if line.startswith(_ERROR_HEAD)), "")
    if said:
        raise MeasurementFailed(said.removeprefix(_ERROR_HEAD))
    last = lines[-1] if lines else "it says nothing"
    raise MeasurementFailed(f"the process ended with code {code} while {step}: {last}")


def _heard(line: str) -> tuple[str, Any]:
    """A line of the process: what it tells, or nothing where a library has printed something."""
    try:
        said = json.loads(line)
    except ValueError:
        return "", None
    if not isinstance(said, dict) or len(said) != 1:
        return "", None
    return next(iter(said.items()))
