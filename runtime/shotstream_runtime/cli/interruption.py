# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C between pieces of work, and not in their middle: half a frame in a movie would damage it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self


class CtrlC:
    """While it is entered, Ctrl-C waits for the end of what is marked as `whole`.

    It changes nothing outside the main thread, or where somebody else handles SIGINT.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._pressed = False
        self._installed = False

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._press)
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Marks a piece of work; may be nested.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile, and the work is done.
        """
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._pressed and not self._depth:
            self._pressed = False
            raise KeyboardInterrupt

    def _press(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._depth:
            raise KeyboardInterrupt
        self._pressed = True
