# SPDX-License-Identifier: Apache-2.0
"""Wakes a thread that waits in a poll, from any other thread."""

from __future__ import annotations

import socket


class Wakeup:
    """A readable socket that :meth:`set` makes ready and :meth:`clear` makes quiet again.

    A socket pair, because it exists on every system, may be written from any thread, and can be polled
    beside ZeroMQ sockets, which themselves belong to one thread.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._is_set = False

    @property
    def reader(self) -> socket.socket:
        """What to poll for reading."""
        return self._reader

    def set(self) -> None:
        """Makes the reader ready. Thread-safe, never blocks, cheap when it is ready already."""
        if self._is_set:
            return
        self._is_set = True
        try:
            self._writer.send(b"\0")
        except OSError:
            # Full: the reader is ready anyhow. Closed: nobody waits any more.
            return

    def clear(self) -> None:
        """Makes the reader quiet. Called by the waiting thread before it looks at what there is to do."""
        # The flag rises before the byte is sent, so that without the flag there is none.
        if not self._is_set:
            return
        try:
            while self._reader.recv(512):
                pass
        except (BlockingIOError, InterruptedError):
            pass
        # The flag falls last. A set() that still saw it has its work found by the look that follows; were it
        # to fall first, a set() in between would lose its byte above and leave the flag up for good.
        self._is_set = False

    def close(self) -> None:
        """Frees both sockets."""
        self._reader.close()
        self._writer.close()
