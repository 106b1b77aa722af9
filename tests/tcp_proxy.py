# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between client and server: it keeps what passes, delays, stalls, loses, cuts and refuses."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self


class TcpProxy:
    """Passes bytes both ways until told otherwise.

    Attributes:
        address: Where clients connect.
        seen: Everything that passed.
        sent_by_client: What clients sent.
        sent_by_server: What the server sent.
        connections: Connections so far.
    """

    def __init__(self, target: str) -> None:
        host, port = target.removeprefix("tcp://").split(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self.seen, self.sent_by_client, self.sent_by_server = bytearray(), bytearray(), bytearray()
        self.connections = 0
        self._open = threading.Event()
        self._open.set()
        self._refusing = False
        self._cut_after: int | None = None
        self._delay_s = 0.0
        self._to_lose = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._open.set()
        self.cut()

    def cut(self) -> None:
        """Ends every connection at once."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def cut_after(self, count: int) -> None:
        """Ends every connection in the middle of whatever it is, after so many bytes from the server."""
        self._cut_after = count

    def delay(self, seconds: float) -> None:
        """Holds every piece of up to 64 KiB up for so long, both ways: a slow and narrow network."""
        self._delay_s = seconds

    def lose(self, count: int) -> None:
        """Leaves so many of the next bytes from the server out, while the connection stands."""
        self._to_lose = count

    def refuse(self, refusing: bool) -> None:
        """Whether new connections are closed at once."""
        self._refusing = refusing

    def stall(self, stalled: bool) -> None:
        """Whether bytes stay where they are, while the connections stand."""
        if stalled:
            self._open.clear()
        else:
            self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            if self._refusing:
                near.close()
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            for source, sink, by_client in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass, args=(source, sink, by_client), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, by_client: bool) -> None:
        while True:
            try:
                data = source.recv(65_536)
                self._open.wait()
                time.sleep(self._delay_s)
                if not by_client and self._to_lose and data:
                    lost = min(self._to_lose, len(data))
                    self._to_lose -= lost
                    data = data[lost:]
                    if not data:
                        continue
                if not by_client and self._cut_after is not None:
                    data, self._cut_after = data[: self._cut_after], self._cut_after - len(data)
                    if self._cut_after <= 0:
                        self._cut_after = None
                        sink.sendall(data)
                        self.cut()
                        return
                self.seen += data
                if by_client:
                    self.sent_by_client += data
                else:
                    self.sent_by_server += data
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return
