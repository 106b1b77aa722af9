# SPDX-License-Identifier: Apache-2.0
"""Tells systemd how the server stands, by its notification protocol (sd_notify(3)): datagrams on a socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Self

from .health import liveness, readiness
from .serving import Server


class Supervisor:
    """The service manager that started this process, if it asked to be told. Belongs to one thread.

    Args:
        address: Its socket: a path, or a name that begins with ``@``; None for nobody to tell.
        watchdog_s: How often it wants to hear that the process is well; None for not at all.
    """

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = address
        self._interval_s = None if watchdog_s is None else watchdog_s / 3
        self._due = 0.0
        self._told_ready = False

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The one named by ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``."""
        address = environment.get("NOTIFY_SOCKET") or None
        period = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(address, int(period) / 1e6 if period.isdecimal() and meant else None)

    def look(self, server: Server, status: str) -> None:
        """Tells that the server is ready, once it is, and from time to time that it is well, while it is.

        A server that is not heard of for the watchdog's time is killed by systemd, and started anew.

        Args:
            server: The server.
            status: What it is doing, for `systemctl status`.
        """
        if not self._told_ready and readiness(server).well:
            self._told_ready = True
            self._tell(f"READY=1\nSTATUS={_line(status)}")
        if self._interval_s is not None and time.monotonic() >= self._due and liveness(server).well:
            self._due = time.monotonic() + self._interval_s
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The server stops."""
        self._tell("STOPPING=1\nSTATUS=finishing the running chunk")

    def _tell(self, message: str) -> None:
        if self._address is None or not hasattr(socket, "AF_UNIX"):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
                peer.settimeout(1.0)
                peer.sendto(message.encode(), address)
        except OSError:
            # A supervisor that does not listen must not end the server; it will see for itself.
            return


def _line(text: str) -> str:
    return " ".join(text.split())
