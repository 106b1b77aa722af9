# SPDX-License-Identifier: Apache-2.0
"""How the command ends when something goes wrong: one line on standard error, and an exit code."""

from __future__ import annotations

import re
import sys
import traceback
from difflib import get_close_matches
from enum import IntEnum

from rich.markup import escape

from .installation import install_command
from .terminal import error_console

_FAULT = "this is a fault of ShotStream"
# What typer says of a value that an option does not take; words of the library that checks it come before.
_NO_CHOICE = re.compile(r"(?:Value error, )?'(?P<given>[^']*)' is not one of (?P<choices>'.*')\.?$")


class ExitCode(IntEnum):
    """What a shell sees."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class CommandFailed(Exception):
    """A command cannot do what was asked, and its message says why and what to do."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def report(error: BaseException, *, debug: bool) -> int:
    """Prints an error as one line and returns the exit code; with `debug` the traceback comes first."""
    if debug and not isinstance(error, KeyboardInterrupt):
        error_console.print("".join(traceback.format_exception(error)), markup=False, highlight=False)
    if isinstance(error, KeyboardInterrupt):
        error_console.print("Stopped.")
        return ExitCode.INTERRUPTED
    message, code = explain(error)
    if message.startswith(_FAULT) and not debug:
        message += "; run again with --debug to see where"
    _print_error(message)
    return code


def explain(error: BaseException) -> tuple[str, ExitCode]:
    """What people are told of an error, and the exit code."""
    if isinstance(error, CommandFailed):
        return str(error), error.exit_code
    if _is_usage(error):
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context is not None else ""
        message = _NO_CHOICE.sub(_name_choices, error.format_message())  # type: ignore[attr-defined]
        return f"{message}{hint}", ExitCode.USAGE
    if _is_explained(error):
        return str(error), ExitCode.FAILED
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("shotstream"):
        missing = f"the package {error.name} is not installed; get it with: {install_command()}"
        return missing, ExitCode.FAILED
    return f"{_FAULT}: {type(error).__name__}: {error}", ExitCode.FAILED


def _name_choices(match: re.Match[str]) -> str:
    """What an option takes, and what was probably meant."""
    near = get_close_matches(match["given"], re.findall(r"'([^']*)'", match["choices"]), n=1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    return f"'{match['given']}' is not one of {match['choices']}{meant}"


def _is_usage(error: BaseException) -> bool:
    # By shape: typer's usage errors come from click in some versions and from a copy of it in others.
    return hasattr(error, "format_message") and getattr(error, "exit_code", None) == ExitCode.USAGE


def _is_explained(error: BaseException) -> bool:
    """Whether the message was written for users. Only parts that are loaded are asked, none is imported."""
    families = (
        ("shotstream_runtime.host.errors", "HostError"),
        ("shotstream_runtime.journal.errors", "JournalError"),
        ("shotstream_bridge.errors", "BridgeError"),
        ("shotstream_runtime.weights.errors", "WeightsError"),
        ("shotstream_runtime.engines.errors", "EngineError"),
        ("shotstream_runtime.streaming.shot_frames", "ShotStorageError"),
        ("shotstream_training.errors", "TrainingError"),
    )
    loaded = [getattr(sys.modules[module], name) for module, name in families if module in sys.modules]
    return isinstance(error, tuple(loaded))


def _print_error(message: str) -> None:
    line = " ".join(message.split())
    error_console.print(f"[bold red]error:[/] [red]{escape(line)}[/]", soft_wrap=True, highlight=False)
