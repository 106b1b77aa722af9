# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while TensorRT calls back: kept until TensorRT has returned.

Python raises KeyboardInterrupt in whatever it runs next, which then is a callback. TensorRT's bindings print
what a callback raises and go on, so that the interrupt would be lost.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class HeldInterrupt:
    """Whether Ctrl-C was pressed.

    Attributes:
        came: It was.
    """

    def __init__(self) -> None:
        self.came = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.came = True


@contextmanager
def held_interrupt() -> Iterator[HeldInterrupt]:
    """Holds Ctrl-C back within the block, and hands it to the handler from before at the block's end.

    Only the main thread hears signals, and only a handler of Python raises: elsewhere nothing is held.

    Raises:
        KeyboardInterrupt: At the end of the block, where the handler from before raises it.
    """
    held = HeldInterrupt()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield held
        return
    signal.signal(signal.SIGINT, held._hear)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, before)
        if held.came:
            before(signal.SIGINT, None)
