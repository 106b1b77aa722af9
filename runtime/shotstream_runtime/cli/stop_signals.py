# SPDX-License-Identifier: Apache-2.0
"""What asks a server to stop: Ctrl-C, SIGTERM, and Ctrl-Break on Windows."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

from .failure import ExitCode

# A supervisor on Windows can send no other than Ctrl-Break to a process group of its own.
_SIGNALS: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
]


class StopSignals:
    """While it is entered, the first such signal asks for an orderly end, and the second ends at once.

    Attributes:
        asked: Set by the first one.
        orderly: Whether there is anything to be finished. Without, the first signal is a KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.orderly = False
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        self._before = [signal.signal(number, self._hear) for number in _SIGNALS]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.asked.is_set():
            # Past everything that might wait. A journal is made to be left like this at any moment.
            os._exit(ExitCode.INTERRUPTED)
        self.asked.set()
        if not self.orderly:
            raise KeyboardInterrupt
